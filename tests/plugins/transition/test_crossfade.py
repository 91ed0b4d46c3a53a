"""The crossfade in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.media.frame import Frame
from qmv.plugins.transition.crossfade import Crossfade
from qmv.testing import TransitionContract, noise_frame


class TestCrossfade(TransitionContract):
    plugin = Crossfade()


def flat(y: int, u: int, v: int) -> Frame:
    shapes = ((8, 8), (4, 4), (4, 4))
    return Frame(*(np.full(shape, value, np.uint8) for shape, value in zip(shapes, (y, u, v))))


@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_crossfade_weighs_every_sample_within_rounding(t: float) -> None:
    a, b = noise_frame(1), noise_frame(2)
    mixed = Crossfade().blend(a, b, t)
    for plane in ("y", "u", "v"):
        wanted = (1 - t) * getattr(a, plane).astype(float) + t * getattr(b, plane)
        assert np.abs(getattr(mixed, plane) - wanted).max() <= 0.5


def test_crossfade_is_the_mean_half_way() -> None:
    mixed = Crossfade().blend(flat(16, 100, 240), flat(216, 140, 40), 0.5)
    assert (mixed.y[0, 0], mixed.u[0, 0], mixed.v[0, 0]) == (116, 120, 140)


def test_crossfade_of_a_picture_with_itself_is_the_picture() -> None:
    mixed = Crossfade().blend(noise_frame(1), noise_frame(1), 0.37)
    assert np.array_equal(mixed.y, noise_frame(1).y)


def test_crossfade_lasts_as_long_as_it_is_set() -> None:
    assert Crossfade(duration_s=1.25).length_s() == 1.25


def test_crossfade_refuses_a_negative_length() -> None:
    with pytest.raises(ValueError, match=r"duration_s must be at least 0 and at most 10 .*got -1"):
        Crossfade(duration_s=-1.0)
