"""An entry of the cache as one file that can lie anywhere, and be known again for what it is.

A parcel is a line of JSON (area and key of the entry, and name, size and hash of each file) and then the files' bytes,
one behind the other. It has no links, folders, modes or times, so it cannot name anything but plain files, and the same
entry gives the same bytes. What is read from one is taken for a stranger's until every hash was compared.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import IO, Any

__all__ = ["Broken", "pack", "unpack"]

_FORM = 1
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
_SUMS = "sums.json"  # the cache's own, made anew with each entry
_LONGEST_LINE = 1 << 16
_PIECE = 1 << 20


class Broken(Exception):
    """It is not the entry that was wanted, whole and unchanged; the words say why."""


def pack(folder: Path, parcel: Path, *, area: str, key: str, secret: bytes) -> None:
    """Writes an entry's files to `parcel`; raises Broken where they are not what was once put into the entry.

    With a secret the line is signed (HMAC-SHA256), and so, by the hashes in it, are the files.
    """
    sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
    files = [
        {"name": name, "sha256": sha256, "size_bytes": (folder / name).stat().st_size}
        for name, sha256 in sorted(sums.items())
    ]
    head = {"area": area, "files": files, "form": _FORM, "key": key}
    signed = head | {"mac": _mac(head, secret)} if secret else head
    with parcel.open("wb") as target:
        target.write(_line(signed))
        for file in files:
            with (folder / file["name"]).open("rb") as source:
                _copy(source, target, file)


def unpack(parcel: Path, folder: Path, *, area: str, key: str, secret: bytes) -> None:
    """Writes the files of a parcel into `folder`; raises Broken for one that is damaged, of another entry or, where
    there is a secret, not signed with it. What was written until then is the caller's to throw away."""
    with parcel.open("rb") as source:
        line = source.readline(_LONGEST_LINE)
        files = _files(line, area, key, secret)
        if len(line) + sum(file["size_bytes"] for file in files) != parcel.stat().st_size:
            raise Broken("its length is not what it says")
        for file in files:
            with (folder / file["name"]).open("xb") as target:
                _copy(source, target, file)


def _files(line: bytes, area: str, key: str, secret: bytes) -> list[dict[str, Any]]:
    """What the line says of the files, each of them a plain name with a size and a hash."""
    try:
        head = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Broken("it does not begin as an entry does") from error
    if not isinstance(head, dict) or not isinstance(head.get("files"), list):
        raise Broken("it does not begin as an entry does")
    if (head.get("form"), head.get("area"), head.get("key")) != (_FORM, area, key):
        raise Broken("it is another entry")
    mac = head.pop("mac", "")
    if secret and not (isinstance(mac, str) and hmac.compare_digest(mac.encode(), _mac(head, secret).encode())):
        raise Broken("it is not signed with this QMV_CACHE_KEY")
    files: list[dict[str, Any]] = head["files"]
    if not files or not all(_plain(file) for file in files):
        raise Broken("it names files as no entry does")
    if len({file["name"].casefold() for file in files}) != len(files):
        raise Broken("it names a file twice")
    return files


def _plain(file: object) -> bool:
    if not isinstance(file, dict) or file.keys() != {"name", "sha256", "size_bytes"}:
        return False
    name, size_bytes = file["name"], file["size_bytes"]
    named = isinstance(name, str) and _NAME.fullmatch(name) is not None and name.casefold() != _SUMS
    return named and isinstance(file["sha256"], str) and type(size_bytes) is int and size_bytes >= 0


def _copy(source: IO[bytes], target: IO[bytes], file: dict[str, Any]) -> None:
    """Copies the file's bytes; raises Broken where they have another hash."""
    left, digest = file["size_bytes"], hashlib.sha256()
    while left and (piece := source.read(min(left, _PIECE))):
        digest.update(piece)
        target.write(piece)
        left -= len(piece)
    if left or digest.hexdigest() != file["sha256"]:
        raise Broken(f"{file['name']} has another hash")


def _line(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _mac(head: dict[str, Any], secret: bytes) -> str:
    return hmac.new(secret, _line(head), "sha256").hexdigest()
