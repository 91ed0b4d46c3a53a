"""What outsiders may read of a sentence that was written for whoever runs this machine.

The web and the workers both tell such sentences, so the rule is here, once.
"""

from __future__ import annotations

import re

from qmv.engine.secrets import redacted

__all__ = ["told"]

_PART = r"[^\s/\\'\"():,;]"  # a sign of a folder's name in a sentence
# an absolute path with a folder in it, also as file:// address or below a home; never the path of another address
_PATH = re.compile(
    r"(?<![\w:/.~\\])(?:"
    rf"(?:file://[\w.-]*)?(?:~[\w-]*)?/(?:{_PART}+[\\/])+"
    rf"|(?:file:///)?[A-Za-z]:[\\/](?:{_PART}+[\\/])*"
    rf")({_PART}*)"
)


def told(sentence: str) -> str:
    """The sentence without secrets, and with files by their names only."""
    return _PATH.sub(r"\1", redacted(sentence)) if sentence else ""
