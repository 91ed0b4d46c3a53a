"""Events that are read while they are written, and pictures made small."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from qmv.service.work.trail import Trail, thumbnail


def test_each_event_comes_once_and_whole(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    assert trail.news() == []
    with (tmp_path / "events.jsonl").open("ab", buffering=0) as stream:
        stream.write(b'{"event": "A"}\nno json\n[1]\n{"event": ')
        assert trail.news() == [{"event": "A"}]
        assert trail.news() == []
        stream.write(b'"B"}\n')
        assert trail.news() == [{"event": "B"}]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16"])
def test_thumbnail_is_a_small_jpeg_of_pixels_only(tmp_path: Path, mode: str) -> None:
    source = tmp_path / "a.png"
    Image.new(mode, (1024, 576)).save(source)
    data = thumbnail(source)
    assert data is not None
    with Image.open(io.BytesIO(data)) as small:
        assert (small.format, small.size) == ("JPEG", (240, 135))
        assert {*small.info} <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_thumbnail_of_noise_stays_small(tmp_path: Path) -> None:
    """Nothing compresses worse; a usual picture has about a third."""
    source = tmp_path / "a.png"
    Image.effect_noise((1024, 1024), 100).convert("RGB").save(source)
    data = thumbnail(source)
    assert data is not None
    assert len(data) < 40_000


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_file_that_shows_nothing_has_none(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(content)
    assert thumbnail(source) is None
    assert thumbnail(tmp_path / "gone.png") is None


def test_cut_picture_has_none(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.effect_noise((256, 256), 100).save(source)
    source.write_bytes(source.read_bytes()[:9999])
    assert thumbnail(source) is None
