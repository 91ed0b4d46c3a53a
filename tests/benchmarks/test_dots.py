"""The tracker of dots, on dots that are drawn at known places."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.dots import centres, jitter, painted, ring, seen_at
from qmv.media.camera import Affine

SIZE = (256, 256)


def test_centres_are_found_to_a_hundredth_of_a_pixel() -> None:
    places = ring(*SIZE, count=8)
    assert centres(painted(places, *SIZE), places) == pytest.approx(places, abs=0.01)


def test_centres_are_found_from_a_guess_that_is_five_pixels_off() -> None:
    places = ring(*SIZE, count=8)
    assert centres(painted(places, *SIZE), places + [3.0, -4.0]) == pytest.approx(places, abs=0.01)


def test_centres_hardly_move_in_noise() -> None:
    """RMS of 0.1 px in noise of 2 levels."""
    places = ring(*SIZE, count=8)
    noise = np.random.default_rng(3).normal(0, 2, (256, 256))
    frame = np.rint(painted(places, *SIZE) + noise).clip(0, 255).astype(np.uint8)
    off = centres(frame, places) - places
    assert float(np.sqrt((off**2).mean())) < 0.1


def test_camera_shows_its_own_corner_first() -> None:
    view = Affine(0.5, 0.0, 0.25, 0.0, 0.5, 0.125)
    places = np.array([[64.0, 32.0], [128.0, 128.0]])
    assert seen_at(places, view, *SIZE) == pytest.approx(np.array([[0.0, 0.0], [128.0, 192.0]]))


def test_steady_motion_has_no_jitter() -> None:
    planned = np.array([[[t * 0.3, t * t * 0.01]] for t in range(10)])
    found = jitter(planned + 0.7, planned)
    assert (found.most, found.rms) == pytest.approx((0, 0), abs=1e-12)
    assert found.path == pytest.approx(0.02)


def test_one_jump_is_told() -> None:
    """A dot that stays half a pixel behind from one frame on has two second differences of that size."""
    planned = np.zeros((10, 1, 2))
    found = planned.copy()
    found[5:, 0, 0] = 0.5
    told = jitter(found, planned)
    assert told.most == pytest.approx(0.5)
    assert told.rms == pytest.approx(np.sqrt(2 * 0.25 / 8))
