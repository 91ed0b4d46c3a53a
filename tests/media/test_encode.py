"""One chunk through the real x264."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from qmv.media.encode import encode_chunk, even
from qmv.media.frame import Frame
from qmv.media.probe import probe
from tests.media.helpers import B_FRAMES, FAST, NTSC, decoded, flat_frame


@pytest.mark.parametrize("count", [1, 2, 3, 24, 61])
def test_chunk_holds_every_frame_at_its_exact_time(tmp_path: Path, count: int) -> None:
    frames = [flat_frame(20 + 3 * number) for number in range(count)]
    assert encode_chunk(tmp_path / "chunk.mp4", frames, NTSC, B_FRAMES) == count
    planes, times = decoded(tmp_path / "chunk.mp4")
    assert times == [number / NTSC for number in range(count)]
    assert [round(float(plane.mean())) for plane in planes] == pytest.approx(
        [20 + 3 * number for number in range(count)], abs=1
    )


def test_chunk_says_that_it_is_bt709_limited_range(tmp_path: Path) -> None:
    encode_chunk(tmp_path / "chunk.mp4", [flat_frame(90)] * 3, Fraction(24), FAST)
    assert probe(tmp_path / "chunk.mp4").bt709


def test_chunk_keeps_colours(tmp_path: Path) -> None:
    """Within 2: crf 18 on a flat picture."""
    encode_chunk(tmp_path / "chunk.mp4", [flat_frame(63, 102, 240)] * 3, Fraction(24), FAST)
    with av.open(str(tmp_path / "chunk.mp4")) as container:
        planes = next(container.decode(video=0)).to_ndarray()
    assert (planes[:36].mean(), planes[36:45].mean(), planes[45:].mean()) == pytest.approx((63, 102, 240), abs=2)


def test_chunk_has_one_key_frame_at_its_start(tmp_path: Path) -> None:
    frames = [flat_frame(20 if number < 30 else 220) for number in range(60)]
    encode_chunk(tmp_path / "chunk.mp4", frames, Fraction(24), FAST)
    with av.open(str(tmp_path / "chunk.mp4")) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.pts is not None]
    assert keys == [True] + [False] * 59


def test_chunk_has_the_same_bytes_twice(tmp_path: Path) -> None:
    frames = [flat_frame(20 + 5 * number) for number in range(30)]
    for name in ("one", "two"):
        encode_chunk(tmp_path / name, frames, NTSC, FAST)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_chunk_has_the_same_bytes_for_one_frame_object_as_for_equal_ones(tmp_path: Path) -> None:
    held = flat_frame(77)
    encode_chunk(tmp_path / "one", [held] * 20, NTSC, FAST)
    encode_chunk(tmp_path / "two", [flat_frame(77) for _ in range(20)], NTSC, FAST)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("size", [(16, 16), (38, 22), (1024, 2)], ids=str)
def test_chunk_takes_even_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    encode_chunk(tmp_path / "chunk.mp4", [flat_frame(90, width=size[0], height=size[1])], Fraction(24), FAST)
    made = probe(tmp_path / "chunk.mp4")
    assert (made.width_px, made.height_px) == size


@pytest.mark.parametrize(("length", "wanted"), [(0.1, 2), (2, 2), (3.1, 4), (512.0, 512), (513.0, 512), (721.5, 722)])
def test_even_is_the_nearest_even_number(length: float, wanted: int) -> None:
    assert even(length) == wanted


def test_chunk_has_the_same_bytes_whatever_lies_in_memory(tmp_path: Path) -> None:
    """B-frames, the macroblock tree and this size: where x264 on AVX-512 would read what other code left behind."""
    random = np.random.default_rng(3)
    coarse = [cv2.resize(random.integers(0, 255, (9, 16, 3), np.uint8), (320, 192)) for _ in range(2)]
    first, last = (Frame.from_rgb(rgb) for rgb in coarse)
    fade = [first.mix(last, (number + 0.5) / 12) for number in range(12)]
    made = set()
    for number in range(6):
        left_behind = [np.full(size, number + 1, np.uint8) for size in random.integers(1000, 400_000, 60)]
        del left_behind
        encode_chunk(tmp_path / "chunk.mp4", fade, Fraction(24), B_FRAMES)
        made.add((tmp_path / "chunk.mp4").read_bytes())
    assert len(made) == 1
