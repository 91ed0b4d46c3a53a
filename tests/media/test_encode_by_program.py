"""One chunk through the program ffmpeg that imageio-ffmpeg brings, with libx264 in the place of a device's encoder."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

pytest.importorskip("imageio_ffmpeg")

from qmv.media.coding import AS_BT709, Coding, refusal
from qmv.media.encode import encode_chunk
from qmv.media.mux import join
from qmv.media.probe import probe
from tests.media.helpers import NTSC, decoded, flat_frame

BY_PROGRAM = Coding(
    codec="libx264",
    options=(("preset", "veryfast"), ("crf", "18"), ("g", "100000"), ("sc_threshold", "0")),
    program_options=("-nostdin",),
    filters=f"{AS_BT709},format=nv12,format=yuv420p",
)


def level(number: int) -> int:
    return 20 + 37 * number % 211


def encoded(path: Path, first: int, count: int, fps: Fraction = NTSC, coding: Coding = BY_PROGRAM) -> Path:
    assert encode_chunk(path, [flat_frame(level(first + n)) for n in range(count)], fps, coding) == count
    return path


@pytest.mark.parametrize("count", [1, 2, 25])
@pytest.mark.parametrize("fps", [Fraction(24), NTSC, Fraction(60000, 1001)], ids=str)
def test_program_gives_every_frame_at_its_exact_time(tmp_path: Path, fps: Fraction, count: int) -> None:
    planes, times = decoded(encoded(tmp_path / "chunk.mp4", 0, count, fps))
    assert times == [number / fps for number in range(count)]
    assert [float(plane.mean()) for plane in planes] == pytest.approx([level(n) for n in range(count)], abs=2)


def test_program_says_that_it_is_bt709_limited_range(tmp_path: Path) -> None:
    made = probe(encoded(tmp_path / "chunk.mp4", 0, 3))
    assert made.bt709
    assert (made.width_px, made.height_px, made.codec) == (64, 36, "h264")


def test_program_keeps_colours(tmp_path: Path) -> None:
    encode_chunk(tmp_path / "chunk.mp4", [flat_frame(63, 102, 200)] * 3, NTSC, BY_PROGRAM)
    with av.open(str(tmp_path / "chunk.mp4")) as container:
        planes = next(container.decode(video=0)).to_ndarray()
    assert (planes[:36].mean(), planes[36:45].mean(), planes[45:].mean()) == pytest.approx((63, 102, 200), abs=2)


def test_program_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    one, two = (encoded(tmp_path / name, 0, 25).read_bytes() for name in ("one.mp4", "two.mp4"))
    assert one == two


def test_chunks_of_the_program_join(tmp_path: Path) -> None:
    lengths = (1, 2, 25)
    chunks = [(first, encoded(tmp_path / f"{first}.mp4", first, count)) for first, count in zip((0, 1, 3), lengths)]
    join(tmp_path / "film.mp4", chunks, None, NTSC, {})
    planes, times = decoded(tmp_path / "film.mp4")
    assert times == [number / NTSC for number in range(28)]
    assert [float(plane.mean()) for plane in planes] == pytest.approx([level(n) for n in range(28)], abs=2)


WRONG = {
    "a bad value": (replace(BY_PROGRAM, options=(("crf", "good"),)), r"good"),
    "an unknown option": (replace(BY_PROGRAM, options=(("warp", "9"),)), r"warp"),
    "an unknown encoder": (replace(BY_PROGRAM, codec="libx999"), r"libx999"),
    "an unknown filter": (replace(BY_PROGRAM, filters="warp"), r"warp"),
    "no device": (replace(BY_PROGRAM, program_options=("-vaapi_device", "/dev/null/none")), r"."),
}


@pytest.mark.parametrize(("coding", "words"), WRONG.values(), ids=WRONG)
def test_program_raises_with_ffmpegs_words(tmp_path: Path, coding: Coding, words: str) -> None:
    """Also where the frames are more than a pipe holds, so that the program ends while they are written."""
    with pytest.raises(OSError, match=words):
        encode_chunk(tmp_path / "chunk.mp4", [flat_frame(90, width=640, height=360)] * 9, NTSC, coding)


@pytest.mark.parametrize(("coding", "words"), WRONG.values(), ids=WRONG)
def test_refusal_of_the_program_is_one_line(coding: Coding, words: str) -> None:
    assert "\n" not in refusal(coding)
    assert refusal(coding)


def test_refusal_has_nothing_against_a_program_that_works() -> None:
    assert refusal(BY_PROGRAM) == ""
