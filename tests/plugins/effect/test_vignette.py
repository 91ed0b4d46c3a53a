"""The vignette in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.api import Frame, Moment
from qmv.plugins.effect.vignette import Vignette
from qmv.testing import EffectContract, noise_frame

ANY = Moment(frame=0, time_s=0.0, beat_phase=0.0, bar_phase=None, energy=0.5)


class TestVignette(EffectContract):
    plugin = Vignette()


class TestVignetteAtItsStrongest(EffectContract):
    plugin = Vignette(strength=1.0, reach=0.95)


def flat(y: int, width: int = 64, height: int = 36, u: int = 128, v: int = 128) -> Frame:
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return Frame(*(np.full(shape, value, np.uint8) for shape, value in zip(shapes, (y, u, v))))


@pytest.mark.parametrize("size", [(16, 16), (64, 36), (36, 64), (200, 16)], ids=str)
def test_vignette_darkens_the_corners_by_its_strength_and_leaves_the_middle(size: tuple[int, int]) -> None:
    """To 12 % of what is taken: a corner's sample lies a bit inside the corner, more so in tiny frames."""
    y = Vignette(strength=0.5).apply(flat(216, *size), ANY).y
    assert y[size[1] // 2, size[0] // 2] == 216
    for corner in (y[0, 0], y[0, -1], y[-1, 0], y[-1, -1]):
        assert int(corner) - 16 == pytest.approx(100, abs=12)


@pytest.mark.parametrize("size", [(64, 36), (36, 64)], ids=str)
def test_vignette_is_the_same_on_all_sides(size: tuple[int, int]) -> None:
    y = Vignette().apply(flat(200, *size), ANY).y
    assert np.array_equal(y, y[::-1])
    assert np.array_equal(y, y[:, ::-1])


def test_vignette_has_the_shape_of_the_format() -> None:
    """Turning the frame turns the vignette: the ellipse touches a wide frame's sides as it does a tall one's."""
    wide, tall = (Vignette().apply(flat(200, *size), ANY).y for size in ((64, 36), (36, 64)))
    assert np.array_equal(wide, tall.T)


def test_vignette_falls_off_steadily() -> None:
    """Along the diagonal of a flat grey no sample is brighter than the one before it: no bands."""
    y = Vignette(strength=0.6).apply(flat(120, 256, 256), ANY).y.astype(int)
    assert (np.diff(y.diagonal()[128:]) <= 0).all()


def test_vignette_keeps_the_tint() -> None:
    """Colour falls with the light: half of both in a corner that keeps a half."""
    made = Vignette(strength=0.5).apply(flat(116, 256, 256, u=178, v=88), ANY)
    assert (made.y[0, 0] - 16.0, made.u[0, 0] - 128.0, made.v[0, 0] - 128.0) == pytest.approx((50, 25, -20), abs=1)


def test_vignette_of_full_strength_stays_in_the_legal_range() -> None:
    made = Vignette(strength=1.0, reach=0.0).apply(noise_frame(4), ANY)
    assert (made.y.min(), made.y.max()) >= (16, 16)
    assert made.y.max() <= 235
    assert min(made.u.min(), made.v.min()) >= 16
    assert max(made.u.max(), made.v.max()) <= 240


def test_vignette_without_strength_hands_on_the_very_frame() -> None:
    frame = noise_frame(1)
    assert Vignette(strength=0.0).apply(frame, ANY) is frame
