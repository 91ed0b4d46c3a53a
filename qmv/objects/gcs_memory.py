"""Where the address of an upload to Google Cloud Storage is kept from one process to the next.

Whoever has the address can go on with the upload, so the file is its owner's alone, and no other text holds it.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from qmv.objects.gcs_link import Link

__all__ = ["forget", "recalled", "remember"]


def recalled(memory: Path | None, belongs_to: dict[str, Any], link: Link) -> str:
    """The address of a session that is for exactly this; empty where there is none."""
    if memory is None:
        return ""
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        uri = kept.pop("uri")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return ""
    return uri if kept == belongs_to and isinstance(uri, str) and link.own(uri) else ""


def remember(memory: Path | None, kept: dict[str, Any]) -> None:
    """A disk that does not take it costs the going on after a crash, not the upload."""
    if memory is None:
        return
    part = memory.with_name(f".{memory.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(json.dumps(kept))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, memory)


def forget(memory: Path | None) -> None:
    """The upload has ended, one way or the other."""
    if memory is not None:
        with contextlib.suppress(OSError):
            memory.unlink()
