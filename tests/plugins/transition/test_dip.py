"""The dip in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.errors import UnknownName
from qmv.media.frame import Frame
from qmv.plugins.transition.dip import Dip
from qmv.testing import TransitionContract, noise_frame


class TestDip(TransitionContract):
    plugin = Dip()


class TestDipToWhite(TransitionContract):
    plugin = Dip(colour="white")


@pytest.mark.parametrize(("colour", "luma"), [("black", 16), ("white", 235)])
def test_dip_is_of_one_colour_on_the_beat(colour: str, luma: int) -> None:
    made = Dip(colour=colour).blend(noise_frame(1), noise_frame(2), 0.5)
    assert (np.unique(made.y), np.unique(made.u), np.unique(made.v)) == ([luma], [128], [128])


@pytest.mark.parametrize(("t", "which", "gone"), [(0.1, 1, 0.2), (0.4, 1, 0.8), (0.6, 2, 0.8), (0.9, 2, 0.2)])
@pytest.mark.parametrize(("colour", "luma"), [("black", 16), ("white", 235)])
def test_dip_shows_one_picture_at_a_time_fading(t: float, which: int, gone: float, colour: str, luma: int) -> None:
    """Within rounding."""
    made, picture = Dip(colour=colour).blend(noise_frame(1), noise_frame(2), t), noise_frame(which)
    for plane, target in (("y", luma), ("u", 128), ("v", 128)):
        wanted = getattr(picture, plane) * (1 - gone) + target * gone
        assert np.abs(getattr(made, plane) - wanted).max() <= 0.51


def test_dip_stays_in_the_legal_range() -> None:
    for t in np.linspace(0, 1, 41):
        for colour in ("black", "white"):
            made = Dip(colour=colour).blend(noise_frame(1), noise_frame(2), float(t))
            assert (made.y.min() >= 16, made.y.max() <= 235) == (True, True)
            assert min(made.u.min(), made.v.min()) >= 16
            assert max(made.u.max(), made.v.max()) <= 240


def test_dip_ends_with_the_very_frames() -> None:
    a, b = noise_frame(1), noise_frame(2)
    assert Dip().blend(a, b, 0.0) is a
    assert Dip().blend(a, b, 1.0) is b


def test_dip_refuses_another_colour() -> None:
    with pytest.raises(UnknownName, match=r"'red' is not known.*black, white"):
        Dip(colour="red")


def test_dip_lasts_as_long_as_it_is_set() -> None:
    assert Dip(duration_s=1.25).length_s() == 1.25


def test_dip_of_a_black_picture_stays_black() -> None:
    black = noise_frame(1).black()
    assert isinstance(black, Frame)
    assert (Dip().blend(black, black, 0.3).y == 16).all()
