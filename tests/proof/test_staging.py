"""How far a transition is, from what it would show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from qmv.api import Transition
from qmv.media.frame import Frame
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.plugins.transition.dip import Dip
from qmv.plugins.transition.wipe import Wipe
from qmv.proof.staging import colourless, is_mix, locate, small

Grey = npt.NDArray[np.float32]
PLACES = [0.0, 0.1, 0.26, 0.3167, 0.5, 0.6, 0.74, 0.9, 1.0]


def picture(seed: int, level: float = 120, contrast: float = 30, shape: tuple[int, int] = (27, 48)) -> Grey:
    values = np.random.default_rng(seed).standard_normal(shape)
    return (level + contrast * values).clip(16, 235).astype(np.float32)


def found(transition: Transition, a: Grey, b: Grey, seen: Grey) -> tuple[float, bool]:
    frames = colourless(a), colourless(b)
    weight = locate(7, seen, lambda t: small(transition.blend(*frames, t)))
    return weight.w, weight.mixed


@pytest.mark.parametrize("t", PLACES)
@pytest.mark.parametrize(
    "transition", [Dip(), Dip(colour="white"), Wipe(), Wipe(direction="up", softness=0.6)], ids=repr
)
def test_locate_finds_the_place_of_a_transition(transition: Transition, t: float) -> None:
    """To a fiftieth under noise of one level; near the ends a frame may count as the end."""
    a, b = picture(1, level=150), picture(2, level=110)
    noise = np.random.default_rng(3).standard_normal(a.shape)
    seen = small(transition.blend(colourless(a), colourless(b), t)) + noise
    place, sure = found(transition, a, b, np.asarray(seen, np.float32))
    if t == 0.5 and isinstance(transition, Dip):
        assert place == pytest.approx(t, abs=0.06)  # black is black on both sides
    else:
        assert place == pytest.approx(t, abs=0.02 if 0.1 < t < 0.9 else 0.1)
    assert sure


def test_locate_tells_where_a_frame_shows_something_else() -> None:
    assert found(Wipe(), picture(1), picture(2), picture(3, contrast=60))[1] is False


def test_locate_says_nothing_where_all_is_dark() -> None:
    """A dip out of a picture that is black already."""
    dark = np.full((27, 48), 16, np.float32)
    place, sure = found(Dip(), dark, dark, dark)
    assert sure is False
    assert 0 <= place <= 1


@pytest.mark.parametrize(
    ("transition", "wanted"), [(Crossfade(), True), (Dip(), False), (Wipe(), False), (Cut(), False)]
)
def test_is_mix_tells_a_crossfade_from_all_else(transition: Transition, wanted: bool) -> None:
    assert is_mix(transition, colourless(picture(1)), colourless(picture(2))) is wanted


@pytest.mark.parametrize("shape", [(27, 48), (1, 1), (33, 57)], ids=str)
def test_colourless_frame_has_even_sides_and_comes_back(shape: tuple[int, int]) -> None:
    """Within rounding."""
    view = picture(1, shape=shape)
    frame = colourless(view)
    assert isinstance(frame, Frame)
    assert frame.size == (2 * shape[1], 2 * shape[0])
    assert np.abs(small(frame) - view).max() <= 0.5
