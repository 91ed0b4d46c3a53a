"""How addresses, keys, metadata and checksums are written in S3 and Azure. Needs no network and no library."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from qmv.artifacts import File
from qmv.errors import ConfigError, OutputError

__all__ = ["Place", "is_etag_of", "metadata_written", "part_bytes"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CONTAINER = re.compile(r"\$root|\$web|(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
_LONGEST_VALUE = 400  # characters as written; S3 takes 2 KB of metadata in all
_LONGEST_KEY = {"s3": 1000, "az": 1000}  # S3 takes 1024 bytes, Azure 1024 characters; parts have longer names
_PART_BYTES = 8 << 20
_MOST_PARTS = 9000  # S3 takes 10000
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """A bucket (s3) or container (az), and the prefix of all keys in it."""

    scheme: str
    bucket: str
    prefix: str = ""

    @classmethod
    def of(cls, url: str, where: str) -> Place:
        """From 's3://bucket/prefix'; raises ConfigError for another form."""
        scheme, _, rest = url.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme.lower() not in ("s3", "az") or not bucket:
            raise ConfigError(f"{where}: '{url}' names no bucket; write s3://BUCKET/FOLDER or az://CONTAINER/FOLDER.")
        return cls(scheme=scheme.lower(), bucket=bucket, prefix=prefix.strip("/"))

    @property
    def kind(self) -> str:
        return "bucket" if self.scheme == "s3" else "container"

    def wrong_name(self) -> str:
        """Why no such bucket can exist; empty where one can."""
        if self.scheme == "s3":
            rule = "3 to 63 of a-z, 0-9, '-' and '.', with a letter or digit at both ends"
            return "" if _BUCKET.fullmatch(self.bucket) else rule
        return "" if _CONTAINER.fullmatch(self.bucket) else "3 to 63 of a-z and 0-9, with single '-' between them"

    def full(self, key: str, where: str) -> str:
        """The key with the prefix before it; raises OutputError for one that these services cannot keep."""
        path = f"{self.prefix}/{key}" if self.prefix else key
        odd = [part for part in path.split("/") if part in ("", ".", "..")]
        if odd or re.search(r"[\x00-\x1f\x7f]", path) or len(path.encode()) > _LONGEST_KEY[self.scheme]:
            raise OutputError(
                f"{where}: the key {path[:80]!r} is none that can be kept here; allowed are relative paths of at most "
                f"{_LONGEST_KEY[self.scheme]} bytes, without '..', empty parts and control characters."
            )
        return path


def metadata_written(scheme: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as headers can carry it: names that the service takes, values in ASCII, percent-encoded where needed."""
    return {_name(scheme, name): _value(value) for name, value in metadata.items() if value}


def _name(scheme: str, name: str) -> str:
    """A C# identifier for Azure; for S3 with '-', since some servers drop headers with '_'."""
    plain = re.sub(r"[^a-z0-9]+", "_" if scheme == "az" else "-", name.lower()).strip("_-")
    return plain if plain[:1].isalpha() else f"x{plain}"


def _value(text: str) -> str:
    written, length = [], 0
    for number, character in enumerate(text):
        inner = character == " " and 0 < number < len(text) - 1  # spaces at the ends of a header are lost
        piece = character if inner else quote(character, safe=_PLAIN)
        length += len(piece)
        if length > _LONGEST_VALUE:
            break
        written.append(piece)
    return "".join(written).rstrip(" ")


def part_bytes(size_bytes: int) -> int:
    """How large the parts of an upload are; the same for the same size, so that an ETag can be told beforehand."""
    needed = -(-size_bytes // _MOST_PARTS)
    return max(_PART_BYTES, -(-needed // _PIECE_BYTES) * _PIECE_BYTES)


def is_etag_of(etag: str, file: File) -> bool:
    """Whether an S3 ETag is that of the file's bytes: their MD5, or that of the MD5s of their parts, as `part_bytes`
    cuts them. False tells nothing: encrypted objects have ETags of another kind. The file itself must be intact."""
    digest, _, parts = etag.strip('"').partition("-")
    step = part_bytes(file.size_bytes)
    if not re.fullmatch(r"[0-9a-f]{32}", digest) or (parts and parts != str(-(-file.size_bytes // step))):
        return False
    whole, sums = hashlib.sha256(), []
    with file.path.open("rb") as stream:
        for left in _cut(file.size_bytes, step if parts else file.size_bytes):
            part = _md5()
            while left and (piece := stream.read(min(_PIECE_BYTES, left))):
                part.update(piece)
                whole.update(piece)
                left -= len(piece)
            sums.append(part)
    told = _md5(b"".join(part.digest() for part in sums)) if parts else sums[0]
    return told.hexdigest() == digest and whole.hexdigest() == file.sha256


def _cut(size_bytes: int, step: int) -> list[int]:
    """The sizes of the parts; one of 0 for an empty file."""
    return [min(step, size_bytes - start) for start in range(0, size_bytes, step or 1)] or [0]


def _md5(start: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(start, usedforsecurity=False)  # S3's checksum, not a lock
