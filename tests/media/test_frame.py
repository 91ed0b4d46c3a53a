"""Planar frames: colours against the standard and against swscale, and sub-pixel geometry."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from qmv.media.frame import Frame
from qmv.testing import noise_frame
from tests.media.helpers import edge_places, flat_rgb, two_colours

# 100 % colour bars, ITU-R BT.709-6 in 8 bit limited range
BARS = {
    (255, 255, 255): (235, 128, 128),
    (255, 255, 0): (219, 16, 138),
    (0, 255, 255): (188, 154, 16),
    (0, 255, 0): (173, 42, 26),
    (255, 0, 255): (78, 214, 230),
    (255, 0, 0): (63, 102, 240),
    (0, 0, 255): (32, 240, 118),
    (0, 0, 0): (16, 128, 128),
}
COLOURS = [*BARS, (128, 128, 128), (200, 30, 90), (12, 34, 56), (250, 200, 150), (90, 160, 40)]


def sample(frame: Frame) -> tuple[int, int, int]:
    return int(frame.y[8, 8]), int(frame.u[4, 4]), int(frame.v[4, 4])


@pytest.mark.parametrize("rgb", BARS, ids=str)
def test_frame_of_a_colour_bar_has_the_values_of_bt709(rgb: tuple[int, int, int]) -> None:
    assert np.abs(np.subtract(sample(Frame.from_rgb(flat_rgb(rgb))), BARS[rgb])).max() <= 1


@pytest.mark.parametrize("rgb", COLOURS, ids=str)
def test_frame_gives_flat_colours_back(rgb: tuple[int, int, int]) -> None:
    """Within 2: a step of a chroma plane is 2.1 steps of blue."""
    back = Frame.from_rgb(flat_rgb(rgb)).rgb().astype(int)
    assert np.abs(back - np.array(rgb)).max() <= 2


@pytest.mark.parametrize("rgb", COLOURS, ids=str)
def test_frame_agrees_with_swscale_on_flat_patches(rgb: tuple[int, int, int]) -> None:
    picture = av.VideoFrame.from_ndarray(flat_rgb(rgb), format="rgb24")
    theirs = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG").to_ndarray()
    wanted = theirs[8, 8], theirs[36:45].reshape(18, 32)[4, 4], theirs[45:].reshape(18, 32)[4, 4]
    assert np.abs(np.subtract(sample(Frame.from_rgb(flat_rgb(rgb))), np.array(wanted, int))).max() <= 2


def test_frame_of_a_picture_has_planes_of_its_size() -> None:
    frame = Frame.from_rgb(flat_rgb((1, 2, 3), width=38, height=22))
    assert (frame.size, frame.y.shape, frame.u.shape, frame.v.shape) == ((38, 22), (22, 38), (11, 19), (11, 19))


def test_frame_stays_in_the_legal_range() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (36, 64, 3), np.uint8)
    frame = Frame.from_rgb(rgb)
    assert frame.y.min() >= 16
    assert frame.y.max() <= 235
    assert min(frame.u.min(), frame.v.min()) >= 16
    assert max(frame.u.max(), frame.v.max()) <= 240


def test_frame_has_planes_that_can_be_encoded_as_they_are() -> None:
    frame = Frame.from_rgb(flat_rgb((9, 99, 199)))
    assert all(plane.flags.c_contiguous and plane.dtype == np.uint8 for plane in (frame.y, frame.u, frame.v))


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "upright"])
def test_frame_has_luma_and_chroma_edges_in_one_place(axis: int) -> None:
    assert edge_places(two_colours(axis), axis) == pytest.approx([24 if axis else 14] * 3, abs=0.05)


def test_planes_come_back_from_a_file(tmp_path: Path) -> None:
    noise_frame(4).save(tmp_path / "picture.yuv")
    assert np.array_equal(Frame.load(tmp_path / "picture.yuv", 64, 36).v, noise_frame(4).v)


def test_planes_of_another_size_are_refused(tmp_path: Path) -> None:
    noise_frame(4).save(tmp_path / "picture.yuv")
    with pytest.raises(ValueError, match="holds no planes of 64 x 34 pixels"):
        Frame.load(tmp_path / "picture.yuv", 64, 34)


def test_mix_is_exact_at_both_ends() -> None:
    a, b = noise_frame(1), noise_frame(2)
    assert np.array_equal(a.mix(b, 0.0).v, a.v)
    assert np.array_equal(a.mix(b, 1.0).v, b.v)


def test_mix_leaves_both_frames_as_they_were() -> None:
    a, b = noise_frame(1), noise_frame(2)
    a.mix(b, 0.5)
    assert np.array_equal(a.y, noise_frame(1).y)
    assert np.array_equal(b.y, noise_frame(2).y)


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "upright"])
@pytest.mark.parametrize("size", [(32, 18), (48, 28), (20, 12)], ids=str)
def test_shrinking_keeps_luma_and_chroma_edges_in_one_place(axis: int, size: tuple[int, int]) -> None:
    """Within 0.15 px of the smaller picture: from 64 x 36, also where the shape gives way to even lengths."""
    small = two_colours(axis).shrunk(*size)
    wanted = 24 / 64 * size[0] if axis else 14 / 36 * size[1]
    assert small.size == size
    assert edge_places(small, axis) == pytest.approx([wanted] * 3, abs=0.15)
