"""Planar frames: colours against the standard and against swscale, and sub-pixel geometry."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from qmv.api import IDENTITY, Affine
from qmv.media.frame import Frame, Plate, warp_plane
from qmv.testing import noise_frame
from tests.media.helpers import flat_rgb

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


def shifted(x_px: float = 0.0, y_px: float = 0.0, width: int = 64, height: int = 36) -> Affine:
    """The view that takes each pixel from x_px to the right and y_px below."""
    return Affine(1.0, 0.0, x_px / width, 0.0, 1.0, y_px / height)


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


def edge_px(plane: npt.NDArray[np.uint8], axis: int) -> float:
    """Where the only edge of a plane lies, in its own samples from its first edge on."""
    line = plane.astype(float).mean(axis=1 - axis)
    return float(((line - line[-1]) / (line[0] - line[-1])).sum())


def edge_places(frame: Frame, axis: int) -> tuple[float, float, float]:
    """The edge in luma pixels, in each plane; chroma is sited left, so its first sample begins half a pixel early."""
    start = 0.5 if axis == 1 else 0.0
    return (edge_px(frame.y, axis), *(2 * edge_px(plane, axis) - start for plane in (frame.u, frame.v)))


def two_colours(axis: int) -> Frame:
    rgb = flat_rgb((220, 30, 40))
    if axis == 1:
        rgb[:, 24:] = (20, 60, 230)
    else:
        rgb[14:] = (20, 60, 230)
    return Frame.from_rgb(rgb)


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "upright"])
def test_frame_has_luma_and_chroma_edges_in_one_place(axis: int) -> None:
    assert edge_places(two_colours(axis), axis) == pytest.approx([24 if axis else 14] * 3, abs=0.05)


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "upright"])
@pytest.mark.parametrize("shift", [0.3, 0.5, 1.0, 1.37, 3.0])
def test_warp_keeps_luma_and_chroma_edges_in_one_place(axis: int, shift: float) -> None:
    """0.25 px is a quarter of what the eye sees as a fringe; interpolation is good to 1/32 of a sample."""
    warped = Plate.of(two_colours(axis)).through(shifted(*((shift, 0.0) if axis else (0.0, shift))))
    wanted = (24 if axis else 14) - shift
    assert edge_places(warped, axis) == pytest.approx([wanted] * 3, abs=0.25)


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "upright"])
def test_zoom_keeps_luma_and_chroma_edges_in_one_place(axis: int) -> None:
    """Four times as large: chroma taken to be sited in the middle would be off by 1.5 px."""
    warped = Plate.of(two_colours(axis)).through(Affine(0.25, 0.0, 0.25, 0.0, 0.25, 0.25))
    size = 64 if axis else 36
    wanted = ((24 if axis else 14) / size - 0.25) / 0.25 * size
    assert edge_places(warped, axis) == pytest.approx([wanted] * 3, abs=0.25)


def smooth_frame() -> Frame:
    """Luma without sharp detail, which the plate's two steps keep; chroma of any kind."""
    x, y = np.meshgrid(np.arange(64), np.arange(36))
    luma = 120 + 60 * np.sin(x / 9) + 30 * np.cos(y / 7)
    return Frame(np.rint(luma).astype(np.uint8), noise_frame(5).u, noise_frame(5).v)


def test_view_by_the_identity_is_the_picture() -> None:
    """Luma within 1: it is enlarged, sharpened and read again; chroma to the bit."""
    frame = smooth_frame()
    seen = Plate.of(frame).through(IDENTITY)
    assert np.abs(seen.y[2:-2, 2:-2].astype(int) - frame.y[2:-2, 2:-2]).max() <= 1
    assert np.array_equal(seen.u, frame.u)


def test_view_by_whole_pixels_is_the_picture_moved() -> None:
    frame = smooth_frame()
    seen = Plate.of(frame).through(shifted(4, 2))
    assert np.abs(seen.y[2:-4, 2:-6].astype(int) - frame.y[4:-2, 6:-2]).max() <= 1
    assert np.array_equal(seen.u[:-1, :-2], frame.u[1:, 2:])


def test_view_of_fine_detail_is_as_sharp_as_a_cubic_one() -> None:
    """Against a Lanczos view of four times the pixels: at most 10 % further off than cubic interpolation is."""
    rng = np.random.default_rng(3)
    fine = cv2.GaussianBlur(rng.integers(0, 256, (144, 256), dtype=np.uint8), (0, 0), 1.2)
    frame = Frame(cv2.normalize(fine, None, 30, 220, cv2.NORM_MINMAX), *[np.full((72, 128), 128, np.uint8)] * 2)
    view = Affine(0.9, 0.0, 0.043, 0.0, 0.9, 0.057)
    large = cv2.resize(frame.y, None, fx=8, fy=8, interpolation=cv2.INTER_LANCZOS4)
    truth = warp_plane(large, frame.y.shape, view, interpolation=cv2.INTER_LINEAR).astype(float)[8:-8, 8:-8]
    error = np.abs(Plate.of(frame).through(view).y[8:-8, 8:-8] - truth).mean()
    assert error < 1.1 * np.abs(warp_plane(frame.y, frame.y.shape, view)[8:-8, 8:-8] - truth).mean()


def test_planes_come_back_from_a_file(tmp_path: Path) -> None:
    noise_frame(4).save(tmp_path / "picture.yuv")
    assert np.array_equal(Frame.load(tmp_path / "picture.yuv", 64, 36).v, noise_frame(4).v)


def test_planes_of_another_size_are_refused(tmp_path: Path) -> None:
    noise_frame(4).save(tmp_path / "picture.yuv")
    with pytest.raises(ValueError, match="holds no planes of 64 x 34 pixels"):
        Frame.load(tmp_path / "picture.yuv", 64, 34)


def test_warp_by_half_a_pixel_is_the_average_of_neighbours_on_a_slope() -> None:
    """On a slope the cubic, too, gives the mean of the two neighbours; within 1 for rounding."""
    ramp = Frame(np.tile(np.arange(20, 212, 3, dtype=np.uint8), (36, 1)), *(noise_frame(1).u, noise_frame(1).v))
    mean = (ramp.y[:, :-1].astype(float) + ramp.y[:, 1:]) / 2
    assert np.abs(Plate.of(ramp).through(shifted(0.5)).y[:, 2:-4] - mean[:, 2:-3]).max() <= 1


def test_warp_by_half_a_chroma_sample_is_the_average_of_its_neighbours() -> None:
    frame = noise_frame(6)
    mean = (frame.u[:, :-1].astype(float) + frame.u[:, 1:]) / 2
    assert np.abs(Plate.of(frame).through(shifted(1.0)).u[:, :-1] - mean).max() <= 1


def test_warp_repeats_the_edge() -> None:
    frame = two_colours(1)
    assert (Plate.of(frame).through(shifted(40)).y[:, -30:] == frame.y[0, -1]).all()


def test_warp_magnifies_by_the_inverse_of_the_view() -> None:
    warped = Plate.of(two_colours(1)).through(Affine(0.5, 0.0, 0.25, 0.0, 0.5, 0.25))
    assert edge_px(warped.y, 1) == pytest.approx((24 / 64 - 0.25) / 0.5 * 64, abs=0.1)


def test_mix_is_exact_at_both_ends() -> None:
    a, b = noise_frame(1), noise_frame(2)
    assert np.array_equal(a.mix(b, 0.0).v, a.v)
    assert np.array_equal(a.mix(b, 1.0).v, b.v)


def test_mix_leaves_both_frames_as_they_were() -> None:
    a, b = noise_frame(1), noise_frame(2)
    a.mix(b, 0.5)
    assert np.array_equal(a.y, noise_frame(1).y)
    assert np.array_equal(b.y, noise_frame(2).y)
