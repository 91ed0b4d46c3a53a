"""The Ken Burns zoom in numbers."""

from __future__ import annotations

import itertools
import math

import pytest

from qmv.api import IDENTITY
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.testing import MotionContract, song_shot


class TestKenBurns(MotionContract):
    plugin = KenBurns()


class TestKenBurnsAtItsStrongest(MotionContract):
    plugin = KenBurns(zoom=1.0, drift=1.0)
    step_px = 96.0  # half of the picture within a second
    bend_px = 3.0


class TestKenBurnsWithoutZoom(MotionContract):
    plugin = KenBurns(zoom=0.0)


def test_ken_burns_starts_an_even_shot_with_the_whole_picture() -> None:
    assert KenBurns().camera(song_shot(48, index=0), 0) == pytest.approx(IDENTITY)


def test_ken_burns_ends_an_odd_shot_with_the_whole_picture() -> None:
    assert KenBurns().camera(song_shot(48, index=1), 47) == pytest.approx(IDENTITY)


@pytest.mark.parametrize(("index", "frame"), [(0, 47), (1, 0)])
def test_ken_burns_magnifies_by_its_zoom_at_the_near_end(index: int, frame: int) -> None:
    view = KenBurns(zoom=0.25).camera(song_shot(48, index=index), frame)
    assert (view.xx, view.yy) == pytest.approx((1 / 1.25, 1 / 1.25))


def test_ken_burns_magnifies_by_the_same_factor_in_each_frame() -> None:
    sides = [KenBurns(zoom=0.3).camera(song_shot(25), frame).xx for frame in range(25)]
    assert [b / a for a, b in itertools.pairwise(sides)] == pytest.approx([1.3 ** (-1 / 24)] * 24)


def test_ken_burns_zooms_into_the_middle_without_drift() -> None:
    view = KenBurns(zoom=0.5, drift=0.0).camera(song_shot(10), 9)
    assert (view.x0, view.y0) == pytest.approx(((1 - 1 / 1.5) / 2, (1 - 1 / 1.5) / 2))


def test_ken_burns_drifts_by_its_share_of_the_room() -> None:
    view = KenBurns(zoom=0.5, drift=0.6).camera(song_shot(10), 9)
    room = (1 - 1 / 1.5) / 2
    assert math.hypot(view.x0 - room, view.y0 - room) == pytest.approx(0.6 * room)


def test_ken_burns_heads_elsewhere_for_another_seed() -> None:
    assert KenBurns().camera(song_shot(10, seed=1), 9) != KenBurns().camera(song_shot(10, seed=2), 9)


def test_ken_burns_does_not_turn_or_shear() -> None:
    views = [KenBurns().camera(song_shot(10), frame) for frame in range(10)]
    assert {(view.xy, view.yx) for view in views} == {(0.0, 0.0)}


def test_ken_burns_refuses_a_zoom_out() -> None:
    with pytest.raises(ValueError, match=r"zoom must be at least 0 and at most 1, got -0\.1"):
        KenBurns(zoom=-0.1)
