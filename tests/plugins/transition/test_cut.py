"""The hard cut."""

from __future__ import annotations

import pytest

from qmv.plugins.transition.cut import Cut
from qmv.testing import TransitionContract, noise_frame


class TestCut(TransitionContract):
    plugin = Cut()


def test_cut_takes_no_time() -> None:
    assert Cut().length_s() == 0


@pytest.mark.parametrize(("t", "which"), [(0.49, 0), (0.5, 1), (0.51, 1)])
def test_cut_shows_the_next_picture_from_the_middle_on(t: float, which: int) -> None:
    frames = noise_frame(1), noise_frame(2)
    assert Cut().blend(*frames, t) is frames[which]
