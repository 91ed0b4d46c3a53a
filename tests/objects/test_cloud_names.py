"""How names, metadata and checksums are written."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.artifacts import File
from qmv.objects.cloud_names import is_etag_of, metadata_written, part_bytes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(value=TEXT, scheme=st.sampled_from(["s3", "az"]))
def test_metadata_is_plain_and_can_be_read_back(value: str, scheme: str) -> None:
    written = metadata_written(scheme, {"title": value})
    assert all(re.fullmatch(r"[\x20-\x7e]+", text) and text == text.strip() for text in written.values())
    assert {name: unquote(text) for name, text in written.items()} == ({"title": value} if value else {})


def test_metadata_says_plain_words_plainly() -> None:
    assert metadata_written("s3", {"title": "Night Train"}) == {"title": "Night Train"}
    assert metadata_written("s3", {"title": "Größe"}) == {"title": "Gr%C3%B6%C3%9Fe"}


def test_long_metadata_is_cut_between_characters() -> None:
    written = metadata_written("s3", {"title": "ö" * 500})
    assert {name: unquote(text) for name, text in written.items()} == {"title": "ö" * 66}  # 6 characters each, of 400


@given(name=TEXT)
def test_names_of_metadata_are_those_that_the_services_take(name: str) -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", found) for found in metadata_written("az", {name: "x"}))
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", found) for found in metadata_written("s3", {name: "x"}))


@given(size_bytes=st.integers(0, 5 << 30))
def test_a_file_has_no_more_parts_than_s3_takes(size_bytes: int) -> None:
    assert part_bytes(size_bytes) % (1 << 20) == 0
    assert size_bytes / part_bytes(size_bytes) <= 10_000


@pytest.mark.parametrize("size_bytes", [0, 1, 8 << 20, (8 << 20) + 1, 20 << 20])
def test_etags_are_those_of_s3(tmp_path: Path, size_bytes: int) -> None:
    path = tmp_path / "film"
    path.write_bytes((b"0123456789abcdef" * (size_bytes // 16 + 1))[:size_bytes])
    file = File.of(path)
    data = path.read_bytes()
    whole = hashlib.md5(data).hexdigest()
    parts = [hashlib.md5(data[start : start + (8 << 20)]).digest() for start in range(0, max(1, size_bytes), 8 << 20)]
    in_parts = f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"
    assert is_etag_of(f'"{whole}"', file)
    assert not is_etag_of(f'"{whole[::-1]}"', file)
    if size_bytes:
        assert is_etag_of(in_parts, file)
        assert not is_etag_of(f"{in_parts}0", file)
    path.write_bytes(data + b"x")  # what it is no more
    assert not is_etag_of(f'"{hashlib.md5(data + b"x").hexdigest()}"', file)


@pytest.mark.parametrize("etag", ["", '"0x8D4BCC2E4835CD0"', '"abc"', '"-"', "-3"])
def test_etags_of_another_kind_tell_nothing(tmp_path: Path, etag: str) -> None:
    (tmp_path / "film").write_bytes(b"x")
    assert not is_etag_of(etag, File.of(tmp_path / "film"))
