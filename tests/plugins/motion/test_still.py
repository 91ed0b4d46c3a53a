"""Stillness."""

from __future__ import annotations

from qmv.api import IDENTITY
from qmv.plugins.motion.still import Still
from qmv.testing import MotionContract, song_shot


class TestStill(MotionContract):
    plugin = Still()


def test_still_shows_the_whole_picture_in_each_frame() -> None:
    assert {Still().camera(song_shot(9), frame) for frame in range(9)} == {IDENTITY}
