"""The wipe in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.errors import UnknownName
from qmv.media.frame import Frame
from qmv.plugins.transition.wipe import Wipe
from qmv.testing import TransitionContract, noise_frame

DIRECTIONS = ("left", "right", "up", "down")


class TestWipe(TransitionContract):
    plugin = Wipe()


class TestWipeDown(TransitionContract):
    plugin = Wipe(direction="down", softness=1.0)


class TestHardWipe(TransitionContract):
    plugin = Wipe(direction="left", softness=0.0)


def flat(y: int, width: int = 200, height: int = 120) -> Frame:
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return Frame(*(np.full(shape, value, np.uint8) for shape, value in zip(shapes, (y, y, 256 - y))))


def covered(direction: str, softness: float, t: float) -> tuple[float, float, float]:
    """The share of the next picture in each plane."""
    made = Wipe(direction=direction, softness=softness).blend(flat(40), flat(200), t)
    return (made.y.mean() - 40) / 160, (made.u.mean() - 40) / 160, (216 - made.v.mean()) / 160


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("softness", [0.0, 0.15, 0.5, 1.0])
def test_wipe_is_half_over_in_the_middle(direction: str, softness: float) -> None:
    assert covered(direction, softness, 0.5) == pytest.approx((0.5, 0.5, 0.5), abs=0.005)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_wipe_moves_on_steadily(direction: str) -> None:
    """The line is a fifth of a sample further each time, also where it is hard: no steps of whole samples."""
    shares = [covered(direction, 0.0, 0.5 + step / 1000)[0] for step in range(10)]
    assert (np.diff(shares) > 0).all()


@pytest.mark.parametrize(
    ("direction", "new", "old"),
    [("right", (60, 10), (60, 190)), ("left", (60, 190), (60, 10)), ("down", (10, 100), (110, 100)),
     ("up", (110, 100), (10, 100))],
)  # fmt: skip
def test_wipe_goes_where_it_is_sent(direction: str, new: tuple[int, int], old: tuple[int, int]) -> None:
    y = Wipe(direction=direction).blend(flat(40), flat(200), 0.5).y
    assert (y[new], y[old]) == (200, 40)


def test_wipe_shows_both_pictures_unchanged_beside_the_line() -> None:
    a, b = noise_frame(1, 200, 120), noise_frame(2, 200, 120)
    made = Wipe(softness=0.1).blend(a, b, 0.5)
    for plane, width in (("y", 200), ("u", 100), ("v", 100)):
        left, right = slice(0, int(0.44 * width)), slice(int(0.56 * width), width)
        assert np.array_equal(getattr(made, plane)[:, left], getattr(b, plane)[:, left])
        assert np.array_equal(getattr(made, plane)[:, right], getattr(a, plane)[:, right])


def test_wipe_has_a_line_as_wide_as_it_is_set() -> None:
    y = Wipe(softness=0.3).blend(flat(40), flat(200), 0.5).y[0]
    assert np.count_nonzero((y > 40) & (y < 200)) == pytest.approx(0.3 * 200, abs=4)


def test_wipe_stays_between_its_pictures() -> None:
    a, b = noise_frame(1), noise_frame(2)
    made = Wipe(softness=1.0).blend(a, b, 0.37)
    for plane in ("y", "u", "v"):
        low, high = (pick(getattr(a, plane), getattr(b, plane)) for pick in (np.minimum, np.maximum))
        assert ((getattr(made, plane) >= low) & (getattr(made, plane) <= high)).all()


def test_wipe_refuses_another_direction() -> None:
    with pytest.raises(UnknownName, match=r"'sideways' is not known.*down, left, right, up"):
        Wipe(direction="sideways")
