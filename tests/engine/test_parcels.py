"""Entries as one file: the same bytes for the same entry, and nothing is taken out that was not compared."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.cache import Cache, digest
from qmv.engine.parcels import Broken, pack, unpack

KEY = digest("a key")
SECRET = b"a secret that nobody guesses"


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """An entry of two files."""

    def make(folder: Path) -> None:
        (folder / "picture.png").write_bytes(bytes(range(256)) * 9)
        (folder / "about.json").write_text('{"cost": "0.01"}', encoding="utf-8")

    return Cache(tmp_path / "cache").put("area", KEY, make)


@pytest.fixture
def parcel(entry: Path, tmp_path: Path) -> Path:
    return packed(entry, tmp_path / "parcel")


def packed(entry: Path, parcel: Path, secret: bytes = b"") -> Path:
    pack(entry, parcel, area="area", key=KEY, secret=secret)
    return parcel


def unpacked(parcel: Path, secret: bytes = b"", key: str = KEY) -> dict[str, bytes]:
    """The files by name; and nothing else has appeared anywhere near."""
    folder = parcel.parent / "out" / "deep"
    folder.mkdir(parents=True)
    unpack(parcel, folder, area="area", key=key, secret=secret)
    assert [path.name for path in folder.parent.iterdir()] == ["deep"]
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_head(parcel: Path, change: Callable[[dict[str, Any]], object]) -> None:
    line, _, rest = parcel.read_bytes().partition(b"\n")
    head = json.loads(line)
    change(head)
    parcel.write_bytes(json.dumps(head).encode() + b"\n" + rest)


def test_parcel_gives_back_the_files_without_the_sums(parcel: Path, entry: Path) -> None:
    assert unpacked(parcel) == {name: (entry / name).read_bytes() for name in ("picture.png", "about.json")}


def test_same_entry_gives_the_same_bytes(parcel: Path, entry: Path, tmp_path: Path) -> None:
    (entry / "about.json").touch()
    assert packed(entry, tmp_path / "again").read_bytes() == parcel.read_bytes()


def test_entry_that_was_changed_is_not_packed(entry: Path, tmp_path: Path) -> None:
    (entry / "picture.png").write_bytes(bytes(256 * 9))
    with pytest.raises(Broken, match="another hash"):
        packed(entry, tmp_path / "parcel")


@pytest.mark.parametrize("at", [0, 20, 200, -1])
def test_flipped_byte_is_found(parcel: Path, at: int) -> None:
    data = bytearray(parcel.read_bytes())
    data[at] ^= 1
    parcel.write_bytes(data)
    with pytest.raises(Broken):
        unpacked(parcel)


@pytest.mark.parametrize("length", [0, 1, 100, 600, -1])
def test_cut_parcel_is_found(parcel: Path, length: int) -> None:
    parcel.write_bytes(parcel.read_bytes()[:length])
    with pytest.raises(Broken):
        unpacked(parcel)


def test_parcel_with_more_behind_it_is_refused(parcel: Path) -> None:
    parcel.write_bytes(parcel.read_bytes() + b"x")
    with pytest.raises(Broken, match="length"):
        unpacked(parcel)


@pytest.mark.parametrize(("area", "key"), [("area", digest("another")), ("other", KEY)])
def test_parcel_of_another_entry_is_refused(parcel: Path, tmp_path: Path, area: str, key: str) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(Broken, match="another entry"):
        unpack(parcel, tmp_path / "out", area=area, key=key, secret=b"")


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        ".parcel",
        "sums.json",
        "SUMS.json",
        "a\0b",
        "a\n",
        "n" * 101,
        7,
    ],
)
def test_file_name_that_no_entry_has_is_refused(parcel: Path, name: Any) -> None:
    with_head(parcel, lambda head: head["files"][0].update(name=name))
    with pytest.raises(Broken, match="no entry"):
        unpacked(parcel)


@pytest.mark.parametrize("name", ["picture.png", "PICTURE.PNG"])
def test_name_that_comes_twice_is_refused(parcel: Path, name: str) -> None:
    with_head(parcel, lambda head: head["files"][0].update(name=name))
    with pytest.raises(Broken, match="twice"):
        unpacked(parcel)


@pytest.mark.parametrize("size_bytes", [10 * 2**30, -1, True, 1.5, "16", None])
def test_size_that_is_not_there_is_refused_before_anything_is_written(parcel: Path, size_bytes: Any) -> None:
    with_head(parcel, lambda head: head["files"][0].update(size_bytes=size_bytes))
    with pytest.raises(Broken):
        unpacked(parcel)
    assert list((parcel.parent / "out" / "deep").iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"[" * 60_000 + b"\n", b"1" * 60_000 + b"\n", b"\xff\n", b"x" * 200_000],
    ids=lambda data: f"{data[:4]!r}-{len(data)}",
)
def test_what_begins_otherwise_is_refused(parcel: Path, data: bytes) -> None:
    parcel.write_bytes(data)
    with pytest.raises(Broken):
        unpacked(parcel)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.REGTYPE])
def test_archive_with_links_or_devices_is_none(parcel: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("picture.png")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(parcel, "w") as archive:
        archive.addfile(member, io.BytesIO())
    with pytest.raises(Broken):
        unpacked(parcel)


# -- signed ----------------------------------------------------------------------------------------------------------


def test_signed_parcel_is_taken_by_who_has_the_key_and_who_has_none(entry: Path, tmp_path: Path) -> None:
    parcel = packed(entry, tmp_path / "parcel", SECRET)
    assert set(unpacked(parcel, SECRET)) == {"picture.png", "about.json"}
    unpack(parcel, tmp_path, area="area", key=KEY, secret=b"")


@pytest.mark.parametrize("secret", [b"", b"another secret, of 30 letters."])
def test_parcel_of_who_does_not_have_the_key_is_refused(entry: Path, tmp_path: Path, secret: bytes) -> None:
    parcel = packed(entry, tmp_path / "parcel", secret)
    with pytest.raises(Broken, match="QMV_CACHE_KEY"):
        unpacked(parcel, SECRET)


@pytest.mark.parametrize("mac", [None, 7, "", "ü" * 64, ["x"]])
def test_signature_that_is_none_is_refused(entry: Path, tmp_path: Path, mac: Any) -> None:
    parcel = packed(entry, tmp_path / "parcel", SECRET)
    with_head(parcel, lambda head: head.update(mac=mac))
    with pytest.raises(Broken, match="QMV_CACHE_KEY"):
        unpacked(parcel, SECRET)


def test_signature_covers_what_the_line_says_of_the_files(entry: Path, tmp_path: Path) -> None:
    parcel = packed(entry, tmp_path / "parcel", SECRET)
    with_head(parcel, lambda head: head["files"][0].update(name="renamed.json"))
    with pytest.raises(Broken, match="QMV_CACHE_KEY"):
        unpacked(parcel, SECRET)
