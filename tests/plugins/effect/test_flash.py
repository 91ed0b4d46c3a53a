"""The flash in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qmv.api import Moment
from qmv.media.frame import Frame
from qmv.plugins.effect.flash import Flash
from qmv.testing import EffectContract, noise_frame


class TestFlash(EffectContract):
    plugin = Flash()


class TestFlashAtItsStrongest(EffectContract):
    plugin = Flash(strength=1.0, decay=0.1)


def at(phase: float | None) -> Moment:
    return Moment(frame=0, time_s=0.0, beat_phase=phase, bar_phase=None, energy=0.5)


def grey(y: int) -> Frame:
    return Frame(np.full((4, 4), y, np.uint8), np.full((2, 2), 128, np.uint8), np.full((2, 2), 128, np.uint8))


def luma(effect: Flash, y: int, phase: float | None) -> int:
    return int(effect.apply(grey(y), at(phase)).y[0, 0])


def test_flash_lifts_black_by_its_strength_on_the_beat() -> None:
    assert luma(Flash(strength=0.2), 16, 0.0) == 16 + round(219 * 0.2)


def test_flash_leaves_white_white() -> None:
    assert luma(Flash(strength=0.7), 235, 0.0) == 235


def test_flash_of_full_strength_is_white_on_the_beat() -> None:
    assert luma(Flash(strength=1.0), 90, 0.0) == 235


def test_flash_falls_back_within_the_beat_by_its_decay() -> None:
    assert luma(Flash(strength=0.5, decay=4.0), 16, 0.3) == 16 + round(219 * 0.5 * math.exp(-1.2))


def test_flash_never_darkens() -> None:
    frame = noise_frame(3)
    assert (Flash().apply(frame, at(0.1)).y >= frame.y).all()


def test_flash_keeps_the_colour() -> None:
    frame = noise_frame(3)
    lit = Flash().apply(frame, at(0.0))
    assert np.array_equal(lit.u, frame.u)
    assert np.array_equal(lit.v, frame.v)


@pytest.mark.parametrize("phase", [None, 0.99])
def test_flash_hands_on_the_very_frame_where_nothing_is_seen(phase: float | None) -> None:
    """A held still that stays one object is not copied again by the encoder."""
    frame = grey(100)
    assert Flash(strength=0.1, decay=20.0).apply(frame, at(phase)) is frame
