"""The grain in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.api import Frame, Moment
from qmv.plugins.effect.grain import Grain
from qmv.testing import EffectContract, noise_frame


class TestGrain(EffectContract):
    plugin = Grain()


class TestGrainAtItsStrongest(EffectContract):
    plugin = Grain(strength=0.08, size_px=8.0)


def at(frame: int) -> Moment:
    return Moment(frame=frame, time_s=frame / 24, beat_phase=None, bar_phase=None, energy=0.5)


def grey(y: int, side: int = 540) -> Frame:
    half = np.full((side // 2, side // 2), 128, np.uint8)
    return Frame(np.full((side, side), y, np.uint8), half, half)


def test_grain_has_its_strength_in_the_mid_tones_and_keeps_their_mean() -> None:
    """At half the lines a grain of 2 px is 1 px wide. Strength to 10 %, for the depth is a whole level; mean to 0.1."""
    noise = Grain(strength=0.04).apply(grey(126), at(3)).y.astype(float) - 126
    assert noise.std() == pytest.approx(0.04 * 219, rel=0.1)
    assert noise.mean() == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("y", [16, 235])
def test_grain_leaves_black_and_white_clean(y: int) -> None:
    assert (Grain(strength=0.08).apply(grey(y), at(0)).y == y).all()


@pytest.mark.parametrize("y", range(16, 236, 6))
def test_grain_stays_in_the_legal_range(y: int) -> None:
    made = Grain(strength=0.08).apply(grey(y, 256), at(5)).y
    assert made.min() >= 16
    assert made.max() <= 235


def test_grain_is_fainter_in_the_shadows() -> None:
    dark, mid = (Grain(strength=0.05).apply(grey(y), at(0)).y.astype(float).std() for y in (28, 126))
    assert 0 < dark < 0.6 * mid


def test_grain_keeps_the_colour() -> None:
    frame = noise_frame(3)
    made = Grain().apply(frame, at(0))
    assert made.u is frame.u
    assert made.v is frame.v


def test_grain_differs_from_frame_to_frame_and_by_seed() -> None:
    """And hangs on nothing else: not on what was rendered before."""
    effect, frame = Grain(strength=0.05), grey(126, 128)
    first, second = effect.apply(frame, at(0)).y, effect.apply(frame, at(1)).y
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
    assert np.array_equal(effect.apply(frame, at(0)).y, first)
    assert not np.array_equal(Grain(strength=0.05, seed=1).apply(frame, at(0)).y, first)


def test_grain_is_as_wide_as_it_is_set() -> None:
    """Neighbours are alike in a coarse grain and strangers in the finest."""

    def alike(size_px: float) -> float:
        y = Grain(strength=0.08, size_px=size_px).apply(grey(126), at(0)).y.astype(float)
        return float(np.corrcoef(y[:, :-1].ravel(), y[:, 1:].ravel())[0, 1])

    assert alike(1.0) < 0.1
    assert alike(8.0) > 0.7


def test_grain_finer_than_a_pixel_is_fainter() -> None:
    """A quarter of the lines, a quarter of a grain of 1 px in a pixel's width."""
    noise = Grain(strength=0.08, size_px=1.0).apply(grey(126, 270), at(0)).y.astype(float)
    assert noise.std() == pytest.approx(0.08 * 219 / 4, rel=0.1)


def test_grain_without_strength_hands_on_the_very_frame() -> None:
    frame = noise_frame(1)
    assert Grain(strength=0.0).apply(frame, at(0)) is frame
