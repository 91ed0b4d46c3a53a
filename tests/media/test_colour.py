"""Colours on their whole way: a picture file, planes, the real encoder, and FFmpeg's own converter back to R'G'B'."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest

from qmv.media.encode import encode_chunk
from qmv.media.frame import Frame
from qmv.media.mux import join
from qmv.media.picture import read
from qmv.plugins.encoder.x264 import X264
from tests.stages.helpers import picture_file

Pixels = npt.NDArray[np.uint8]

GREYS = [(value, value, value) for value in (0, 16, 64, 128, 191, 235, 255)]
BARS = [(1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1)]  # SMPTE's, in R'G'B'
SKIN = [(255, 219, 172), (241, 194, 125), (198, 134, 66), (141, 85, 36), (88, 52, 28)]
PATCHES = [*GREYS, *(tuple(top * part for part in bar) for top in (255, 191) for bar in BARS), *SKIN]
COLUMNS, SIDE, EDGE = 6, 32, 6
HIGH, STANDARD = X264(preset="slow", crf=14.0).coding(), X264(preset="veryfast", crf=18.0).coding()
NEAR = 2  # of 255; samples of 8 bit cost up to 1
QUICK = 3  # what swscale costs by itself, for exact samples too, where it is not told to be accurate
ACCURATE = "flags=accurate_rnd+full_chroma_int"
BT709 = "in_color_matrix=bt709:in_range=tv:out_range=pc"


def chart() -> Pixels:
    rgb = np.zeros((len(PATCHES) // COLUMNS * SIDE, COLUMNS * SIDE, 3), np.uint8)
    for number, colour in enumerate(PATCHES):
        y, x = number // COLUMNS * SIDE, number % COLUMNS * SIDE
        rgb[y : y + SIDE, x : x + SIDE] = colour
    return rgb


def patches(seen: npt.NDArray[Any]) -> Iterator[tuple[tuple[int, ...], npt.NDArray[Any]]]:
    """Each colour with its patch, without the patch's edge, where 4:2:0 is soft."""
    for number, colour in enumerate(PATCHES):
        y, x = number // COLUMNS * SIDE, number % COLUMNS * SIDE
        yield tuple(colour), seen[y + EDGE : y + SIDE - EDGE, x + EDGE : x + SIDE - EDGE]


def worst(seen: Pixels) -> dict[tuple[int, ...], int]:
    """How far off each patch is at most, in any channel of any pixel."""
    return {colour: int(np.abs(patch.astype(int) - colour).max()) for colour, patch in patches(seen)}


def by_ffmpeg(path: Path, filters: str) -> Pixels:
    """The frames of a file as FFmpeg's program gives them: [frames, height, width, 3]."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-vf", filters, "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *chart().shape)


@pytest.fixture(scope="module")
def chunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as a picture file, read, converted and encoded as a held still."""
    folder = tmp_path_factory.mktemp("colour")
    picture = picture_file(folder / "chart.png", chart())
    frame = Frame.from_rgb(read(picture.file.path))
    encode_chunk(folder / "chunk.mp4", [frame] * 12, Fraction(24), HIGH)
    return folder / "chunk.mp4"


@pytest.fixture(scope="module")
def finished(chunk: Path) -> Path:
    """Two chunks joined as a video's are: the tags of the file are all that a player knows."""
    join(chunk.with_name("video.mp4"), [(0, chunk), (12, chunk)], None, Fraction(24), {})
    return chunk.with_name("video.mp4")


def test_chart_has_what_it_promises() -> None:
    assert len(PATCHES) % COLUMNS == 0
    assert len(set(PATCHES)) == len(PATCHES) == 24


def test_planes_keep_colours_within_1() -> None:
    assert max(worst(Frame.from_rgb(chart()).rgb()).values()) <= 1


def test_encoded_colours_are_near_by_ffmpegs_accurate_converter(chunk: Path) -> None:
    frames = by_ffmpeg(chunk, f"scale={BT709}:{ACCURATE},format=rgb24")
    assert len(frames) == 12
    for frame in frames:
        assert max(worst(frame).values()) <= NEAR, worst(frame)


def test_encoded_colours_are_near_by_ffmpegs_quick_converter(chunk: Path) -> None:
    for frame in by_ffmpeg(chunk, f"scale={BT709},format=rgb24"):
        assert max(worst(frame).values()) <= QUICK, worst(frame)


def test_encoded_colours_are_near_by_pyav(chunk: Path) -> None:
    """Which follows the tags."""
    with av.open(str(chunk)) as container:
        for frame in container.decode(video=0):
            assert max(worst(frame.to_ndarray(format="rgb24")).values()) <= QUICK


def test_standard_quality_keeps_the_mean_of_each_patch(tmp_path: Path) -> None:
    """Single pixels near edges may be 5 off at crf 18; patches as a whole are not."""
    encode_chunk(tmp_path / "chunk.mp4", [Frame.from_rgb(chart())] * 12, Fraction(24), STANDARD)
    frames = by_ffmpeg(tmp_path / "chunk.mp4", f"scale={BT709}:{ACCURATE},format=rgb24")
    for colour, patch in patches(frames.mean(axis=0)):
        assert patch.mean(axis=(0, 1)) == pytest.approx(colour, abs=NEAR)


@pytest.mark.parametrize("filters", ["format=rgb24", f"scale={ACCURATE},format=rgb24"], ids=["quick", "accurate"])
def test_finished_file_says_by_itself_that_it_is_bt709(finished: Path, filters: str) -> None:
    limit = QUICK if filters.startswith("format") else NEAR
    frames = by_ffmpeg(finished, filters)
    assert len(frames) == 24
    for frame in frames[[0, 11, 23]]:
        assert max(worst(frame).values()) <= limit, worst(frame)


def test_chart_tells_bt709_from_bt601(finished: Path) -> None:
    """The old matrix, which FFmpeg takes for files that say nothing, is 10 and more off: these tests would see it."""
    [frame, *_] = by_ffmpeg(finished, f"scale=in_color_matrix=bt601:{ACCURATE},format=rgb24")
    assert max(worst(frame).values()) > 10


def test_chart_tells_limited_from_full_range(finished: Path) -> None:
    [frame, *_] = by_ffmpeg(finished, f"scale=in_range=pc:{ACCURATE},format=rgb24")
    assert max(worst(frame).values()) > 10
