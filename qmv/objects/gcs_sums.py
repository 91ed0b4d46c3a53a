"""The checksums of a file in Google Cloud Storage's form, read once for all of them."""

from __future__ import annotations

import functools
import hashlib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Sums", "sums"]

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Base64 of big-endian bytes for the first two, as the service tells them; hex for the last, as `File` does."""

    crc32c: str
    md5: str
    sha256: str


def sums(path: Path) -> Sums:
    """The checksums of a file as it is now; read again only when it has changed."""
    about = path.stat()
    return _sums(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _sums(path: Path, size_bytes: int, mtime_ns: int) -> Sums:
    import google_crc32c

    crc32c: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            for each in (crc32c, md5, sha256):
                each.update(piece)
    return Sums(
        crc32c=b64encode(crc32c.digest()).decode(), md5=b64encode(md5.digest()).decode(), sha256=sha256.hexdigest()
    )
