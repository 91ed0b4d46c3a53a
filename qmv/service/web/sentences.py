"""What outsiders may read of a sentence that was written for whoever runs this machine."""

from __future__ import annotations

import re

from qmv.engine.secrets import redacted

__all__ = ["told"]

# an absolute path of two parts or more, not the path of an address
_PATH = re.compile(r"(?<![\w:/.\\])(?:file://)?(?:/|[A-Za-z]:[\\/])(?:[^\s/\\'\":;,()]+[\\/])+([^\s/\\'\":;,()]*)")


def told(sentence: str) -> str:
    """The sentence without secrets, and with files by their names only."""
    return _PATH.sub(r"\1", redacted(sentence)) if sentence else ""
