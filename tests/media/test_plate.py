"""Views through a camera: sub-pixel geometry, sharpness, and the quick way against the general one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.api import IDENTITY, Affine
from qmv.media.frame import Frame
from qmv.media.plate import Plate, ZoomPlate, warp_plane, zoom_centre
from qmv.testing import noise_frame
from tests.media.helpers import edge_places, edge_px, two_colours


def shifted(x_px: float = 0.0, y_px: float = 0.0, width: int = 64, height: int = 36) -> Affine:
    """The view that takes each pixel from x_px to the right and y_px below."""
    return Affine(1.0, 0.0, x_px / width, 0.0, 1.0, y_px / height)


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


# -- the quick way ---------------------------------------------------------------------------------------------------


def towards(x_px: float, y_px: float, scale: float, width: int = 96, height: int = 64) -> Affine:
    """The view of `scale` of the picture in which the point stands still."""
    return Affine(scale, 0.0, x_px * (1 - scale) / width, 0.0, scale, y_px * (1 - scale) / height)


def dots_frame(places: list[tuple[float, float]], width: int = 96, height: int = 64) -> Frame:
    """Soft bright dots on grey at these places, in pixels from the top left corner; the same in chroma."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    light = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 2.5**2)) for a, b in places)
    luma = np.rint(60 + 150 * light).astype(np.uint8)
    chroma = np.rint(128 + 80 * light[::2, ::2]).astype(np.uint8)
    return Frame(luma, chroma, chroma)


def dot_place(plane: np.ndarray, near: tuple[float, float]) -> tuple[float, float]:
    """The centre of gravity of the light around a place."""
    x, y = np.meshgrid(np.arange(plane.shape[1]) + 0.5, np.arange(plane.shape[0]) + 0.5)
    light = np.clip(plane.astype(float) - 60, 0, None) * (np.hypot(x - near[0], y - near[1]) < 9)
    return float((light * x).sum() / light.sum()), float((light * y).sum() / light.sum())


@pytest.mark.parametrize("scale", [1.0, 0.9995, 0.99, 0.93, 0.85, 0.7])
@pytest.mark.parametrize("centre", [(40, 26), (0, 0), (96, 64), (96, 10), (2, 62)])
def test_zoom_shows_what_the_general_way_shows(centre: tuple[int, int], scale: float) -> None:
    """Luma within 2 (both round their weights), chroma within 8: its samples lie left, where the quick way takes them
    to lie in the middle, which is 0.08 of a sample at most, on slopes of 40 a sample."""
    frame, view = dots_frame([(20, 20), (70, 45), (41, 27)]), towards(*centre, scale)
    quick, general = ZoomPlate.of(frame, centre).through(view), Plate.of(frame).through(view)
    assert np.abs(quick.y.astype(int) - general.y).max() <= 2
    assert np.abs(quick.u.astype(int) - general.u).max() <= 8


def test_zoom_moves_without_a_jolt() -> None:
    """A slow zoom, tracked: the position's second difference is at most 0.05 px per frame squared, chroma's too."""
    frame, centre = dots_frame([(20, 20), (78, 48)]), (46, 30)
    plate = ZoomPlate.of(frame, centre)
    scales = [1.1 ** (-number / 120) for number in range(121)]
    for point in ((20.0, 20.0), (78.0, 48.0)):
        wanted = [tuple((p - c) / scale + c for p, c in zip(point, centre)) for scale in scales]
        seen = [plate.through(towards(*centre, scale)) for scale in scales]
        places = np.array([dot_place(view.y, place) for view, place in zip(seen, wanted)])
        assert np.abs(places - wanted).max() < 0.05
        assert np.abs(np.diff(places, 2, axis=0)).max() < 0.05


def test_zoom_begins_with_the_picture() -> None:
    frame = dots_frame([(20, 20), (70, 45)])
    seen = ZoomPlate.of(frame, (46, 30)).through(IDENTITY)
    assert np.abs(seen.y.astype(int) - frame.y).max() <= 1
    assert np.array_equal(seen.u, frame.u)


@given(st.integers(0, 512), st.integers(0, 384), st.lists(st.floats(0.7, 0.999), min_size=1, max_size=8), st.booleans())
def test_centre_of_a_zoom_is_found(x: int, y: int, scales: list[float], whole: bool) -> None:
    """To the even pixel, from any views towards it, with the whole picture among them or not."""
    views = [towards(2 * x, 2 * y, scale, 1024, 768) for scale in scales] + [IDENTITY] * whole
    assert zoom_centre(views, 1024, 768) == (2 * x, 2 * y)


@pytest.mark.parametrize(
    "views",
    [
        [IDENTITY],
        [Affine(0.9, 0.01, 0.0, 0.0, 0.9, 0.0)],
        [Affine(1.1, 0.0, 0.0, 0.0, 1.1, 0.0)],
        [Affine(0.6, 0.0, 0.2, 0.0, 0.6, 0.2)],
        [Affine(-0.9, 0.0, 0.95, 0.0, 0.9, 0.05)],
        [towards(20, 20, 0.9), towards(30, 20, 0.9)],
        [towards(20, 20, 0.9), Affine(1.0, 0.0, 0.02, 0.0, 1.0, 0.0)],
    ],
    ids=["whole", "turned", "beyond", "too near", "mirrored", "pan", "shifted whole"],
)
def test_centre_of_anything_else_is_none(views: list[Affine]) -> None:
    assert zoom_centre(views, 96, 64) is None


def test_centre_a_quarter_of_a_pixel_off_is_good_enough() -> None:
    """At 0.9, a point 1 px beside the even one moves by 0.1 px; at 0.7 it would by 0.3."""
    assert zoom_centre([towards(41, 26, 0.9)], 96, 64) in ((40, 26), (42, 26))
    assert zoom_centre([towards(41, 26, 0.7)], 96, 64) is None
