"""What the headers of a web server's answer say; whatever else stands in them is as if it were not there.

A server may write anything into them. Imports nothing of QMV.
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["Edition", "compression", "edition", "retry_after_s", "span"]

_LONGEST = 300  # signs of a tag or a date; servers refuse headers that are far longer
_NUMBER = "[0-9]{1,18}"
_SPAN = re.compile(rf"bytes ({_NUMBER})-{_NUMBER}/({_NUMBER})")


@dataclass(frozen=True, kw_only=True)
class Edition:
    """By what a server tells a file's versions apart; each may be missing, and what cannot be sent back is."""

    etag: str = ""
    modified: str = ""
    size_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("etag", "modified"):
            text = getattr(self, name)
            if len(text) > _LONGEST or not text.isascii() or not text.isprintable():
                object.__setattr__(self, name, "")

    @property
    def tells(self) -> bool:
        """Whether another version would have another edition."""
        return bool(self.etag or (self.modified and self.size_bytes is not None))

    @property
    def validator(self) -> str:
        """What the header If-Range takes; a weak tag does not vouch for each byte."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def edition(answer: httpx.Response) -> Edition:
    """The size is the whole file's, also where a part of it comes."""
    headers = answer.headers
    size = headers.get("Content-Range", "").rpartition("/")[2] if answer.status_code == 206 else ""
    size = size or headers.get("Content-Length", "")
    return Edition(
        etag=headers.get("ETag", ""),
        modified=headers.get("Last-Modified", ""),
        size_bytes=int(size) if re.fullmatch(_NUMBER, size) else None,
    )


def span(answer: httpx.Response) -> tuple[int, int] | None:
    """The first byte of a part, and the size of the whole; None where that is not told."""
    found = _SPAN.fullmatch(answer.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2])) if found else None


def compression(answer: httpx.Response) -> str:
    """In what way the bytes are packed, in words that can be shown; '' where they are as they are."""
    way = answer.headers.get("Content-Encoding", "").strip().lower()
    if way in ("", "identity"):
        return ""
    return way if re.fullmatch(r"[a-z0-9, -]{1,30}", way) else "in a way that is not known"


def retry_after_s(answer: httpx.Response) -> float:
    """What the header Retry-After says, in seconds; 0 where it says nothing that can be read."""
    text = answer.headers.get("Retry-After", "").strip()
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return float(text) if text.isdecimal() else max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0
