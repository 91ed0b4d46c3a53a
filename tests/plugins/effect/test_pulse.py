"""The pulse in numbers."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from qmv.api import IDENTITY, Frame, Moment
from qmv.plugins.effect.pulse import Pulse
from qmv.testing import EffectContract, noise_frame


class TestPulse(EffectContract):
    plugin = Pulse()


class TestPulseAtItsStrongest(EffectContract):
    plugin = Pulse(zoom=0.5, decay=0.1)


def at(phase: float | None) -> Moment:
    return Moment(frame=0, time_s=0.0, beat_phase=phase, bar_phase=None, energy=0.5)


def dots(width: int = 256, height: int = 192) -> tuple[Frame, list[tuple[int, int]]]:
    """Soft dots of light whose places can be told to a hundredth of a pixel, in luma and in chroma (u)."""
    places = [(x, y) for x in (40, 128, 220) for y in (30, 96, 160)]
    lights = [np.zeros((h, w)) for h, w in ((height, width), (height // 2, width // 2))]
    for light, finer in zip(lights, (1, 2)):
        y, x = np.mgrid[: light.shape[0], : light.shape[1]] * finer + finer / 2
        for px, py in places:
            light += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 5.0**2))
    luma, chroma = ((base + 100 * light.clip(0, 1)).round().astype(np.uint8) for base, light in zip((40, 100), lights))
    return Frame(luma, chroma, np.full_like(chroma, 128)), places


def found(plane: npt.NDArray[np.uint8], near: tuple[float, float], finer: int, base: int) -> npt.NDArray[np.float64]:
    """Where the dot near a place is, in luma pixels, by its centre of gravity."""
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]] * finer + finer / 2
    weight = np.where((x - near[0]) ** 2 + (y - near[1]) ** 2 < 22**2, plane.astype(float) - base, 0).clip(0)
    weight[weight < 3] = 0
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("zoom", [0.02, 0.0043, 0.0025, 0.08, 0.3])
@pytest.mark.parametrize(("plane", "finer", "base"), [("y", 1, 40), ("u", 2, 100)])
def test_pulse_moves_everything_away_from_the_middle_by_its_zoom(
    zoom: float, plane: str, finer: int, base: int
) -> None:
    """To a tenth of a pixel at the zooms that are gentle, where rounding to 8 bit is most of it."""
    frame, places = dots()
    made = Pulse(zoom=zoom).apply(frame, at(0.0))
    for place in places:
        wanted = np.array((128, 96)) + (np.array(place) - (128, 96)) * (1 + zoom)
        if not (20 < wanted[0] < 236 and 20 < wanted[1] < 172):
            continue
        off = found(getattr(made, plane), tuple(wanted), finer, base) - wanted
        assert np.abs(off).max() < 0.1 + zoom / 2, place


def test_pulse_tells_where_each_point_comes_from() -> None:
    view = Pulse(zoom=0.25, decay=4.0).view(at(0.3))
    side = 1 / (1 + 0.25 * math.exp(-1.2))
    assert view == pytest.approx((side, 0, (1 - side) / 2, 0, side, (1 - side) / 2))
    assert Pulse().view(at(None)) == IDENTITY


def test_pulse_falls_back_without_a_jolt() -> None:
    """A corner of 1920 px moves by less in each frame than in the one before."""
    sides = [Pulse().view(at(phase / 24)).x0 * 1920 for phase in range(24)]
    steps = -np.diff(sides)
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


@pytest.mark.parametrize("phase", [None, 0.99])
def test_pulse_hands_on_the_very_frame_where_nothing_moves(phase: float | None) -> None:
    frame = noise_frame(1)
    assert Pulse().apply(frame, at(phase)) is frame


@pytest.mark.parametrize("size", [(16, 16), (18, 16), (64, 36), (34, 130)], ids=str)
@pytest.mark.parametrize("zoom", [0.02, 0.2])
def test_pulse_of_a_flat_frame_is_flat(size: tuple[int, int], zoom: float) -> None:
    """No border is drawn in, at any size."""
    frame = Frame(
        *(np.full((size[1] // n, size[0] // n), value, np.uint8) for n, value in ((1, 90), (2, 70), (2, 200)))
    )
    made = Pulse(zoom=zoom).apply(frame, at(0.0))
    assert [(p.min(), p.max()) for p in (made.y, made.u, made.v)] == [(90, 90), (70, 70), (200, 200)]


def test_pulse_stays_in_the_legal_range() -> None:
    """A cubic filter overshoots at hard edges."""
    y = np.where(np.indices((128, 128)).sum(axis=0) // 8 % 2, 235, 16).astype(np.uint8)
    half = np.full((64, 64), 128, np.uint8)
    made = Pulse(zoom=0.03).apply(Frame(y, half, half), at(0.0)).y
    assert made.min() >= 16
    assert made.max() <= 235
