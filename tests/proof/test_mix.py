"""The share of either picture in a frame, and the place where it crosses one half."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from qmv.proof.mix import Crossing, Likeness, Weight, compare, crossing, jump, likeness, weigh

Grey = npt.NDArray[np.float32]
SHAPE = (24, 32)


def texture(seed: int, contrast: float = 40.0) -> Grey:
    values = np.random.default_rng(seed).standard_normal(SHAPE)
    return (120 + contrast * values).astype(np.float32)


def flat(level: float) -> Grey:
    return np.full(SHAPE, level, np.float32)


def weights(*values: float | None, first: int = 0) -> list[Weight]:
    """One a frame; None for a frame that is neither picture."""
    return [Weight(first + i, 0.5 if w is None else w, w is not None) for i, w in enumerate(values)]


# -- comparing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "likeness"),
    [
        (texture(1), texture(2), Likeness.TEXTURE),
        (flat(40), flat(90), Likeness.LIGHT),
        (texture(1), texture(1) + 30, Likeness.LIGHT),
        (texture(1), texture(1), Likeness.ALIKE),
        (flat(40), flat(43), Likeness.ALIKE),
        (texture(1, contrast=1), texture(2, contrast=1), Likeness.ALIKE),
    ],
    ids=["textures", "greys", "one texture, brighter", "one picture", "nearly one grey", "two in the dark"],
)
def test_compare_tells_what_pictures_can_be_told_apart_by(a: Grey, b: Grey, likeness: Likeness) -> None:
    assert compare(a, b) is likeness


# -- weighing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.6, 90.0), (1.2, -20.0)])
def test_weigh_finds_the_share_whatever_the_light_does(share: float, gain: float, offset: float) -> None:
    a, b = texture(1), texture(2)
    frame = (gain * ((1 - share) * a + share * b) + offset).astype(np.float32)
    found = weigh(7, frame, a, b, Likeness.TEXTURE)
    assert (found.w, found.mixed, found.number) == (pytest.approx(share, abs=1e-3), True, 7)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weigh_finds_the_share_of_greys(share: float) -> None:
    found = weigh(0, flat(40 + 60 * share), flat(40), flat(100), Likeness.LIGHT)
    assert (found.w, found.mixed) == (pytest.approx(share, abs=1e-5), True)


@pytest.mark.parametrize("noise", [2.0, 8.0])
def test_weigh_stays_near_the_share_in_a_noisy_frame(noise: float) -> None:
    a, b = texture(1), texture(2)
    frame = 0.5 * (a + b) + noise * np.random.default_rng(3).standard_normal(SHAPE).astype(np.float32)
    found = weigh(0, frame, a, b, Likeness.TEXTURE)
    assert found.mixed
    assert found.w == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("frame", [texture(9), flat(16)], ids=["another picture", "black"])
def test_weigh_tells_a_frame_that_is_neither_picture(frame: Grey) -> None:
    assert not weigh(0, frame, texture(1), texture(2), Likeness.TEXTURE).mixed


# -- crossing --------------------------------------------------------------------------------------------------------


def test_crossing_of_a_hard_cut_is_the_first_frame_of_the_second_picture() -> None:
    assert crossing(weights(0.02, -0.03, 0.01, 0.98, 1.02, first=40), planned=43).frame == 43.0


@pytest.mark.parametrize("planned", [2, 3, 4, 6])
def test_crossing_is_where_the_pixels_have_it_not_where_it_was_planned(planned: int) -> None:
    assert crossing(weights(0, 0, 0, 0, 1, 1, 1, 1), planned).frame == 4.0


@pytest.mark.parametrize("length", [2, 3, 4, 7, 12])
@pytest.mark.parametrize("middle", [20.0, 20.25, 20.5])
def test_crossing_of_a_ramp_is_its_middle(length: int, middle: float) -> None:
    """To a tenth of a frame; frame n shows its own middle, n + 1/2. A ramp of two frames may look like a hard cut."""
    values = [min(1.0, max(0.0, 0.5 + (n + 0.5 - middle) / length)) for n in range(40)]
    found = crossing(weights(*values), planned=20).frame
    assert found == pytest.approx(middle, abs=0.1 if length > 3 else 0.5)


def test_crossing_of_a_dip_to_black_is_its_middle() -> None:
    assert crossing(weights(0, 0, 0, None, None, 1, 1, 1), planned=4).frame == 4.0


def test_crossing_without_any_frame_of_the_pictures_is_not_known() -> None:
    assert crossing(weights(None, None, None), planned=1) == Crossing(None, "its frames look like neither picture")


def test_crossing_through_frames_that_are_no_mix_is_not_known() -> None:
    found = crossing(weights(0, 0, None, None, None, None, 1, 1), planned=4)
    assert (found.frame, found.wrong, found.why) == (None, False, "the transition is no mix of its pictures")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((0, 0, 0, 0, 0, 0), "the picture before is still there at frame 5"),
        ((1, 1, 1, 1, 1, 1), "the picture after is there already at frame 0"),
        ((0, 0, 1, 0, 1, 1), "the pictures alternate"),
    ],
)
def test_crossing_is_wrong_where_one_picture_stands_in_place_of_the_other(values: tuple[float, ...], why: str) -> None:
    assert crossing(weights(*values), planned=3) == Crossing(None, why, wrong=True)


def test_crossing_is_unclear_not_wrong_where_the_second_picture_cannot_be_recognised() -> None:
    found = crossing(weights(0, 0, 0, None, None, None), planned=3)
    assert (found.frame, found.wrong) == (None, False)


# -- without the pictures --------------------------------------------------------------------------------------------


def test_likeness_is_the_correlation_and_nothing_for_a_flat_picture() -> None:
    a, b = texture(1), texture(2)
    assert likeness(a, 0.5 * a + 60) == pytest.approx(1, abs=1e-5)
    assert likeness(a, 255 - a) == pytest.approx(-1, abs=1e-5)
    assert abs(likeness(a, b)) < 0.15  # 768 pixels of noise
    assert likeness(a, flat(16)) == 0


@pytest.mark.parametrize(
    ("likenesses", "frame"),
    [
        ({7: 0.99, 8: 0.98, 9: 0.1, 10: 0.99}, 9),
        ({7: 0.99, 8: 0.98, 9: 0.97}, None),
        ({7: 0.99, 8: 0.2, 9: 0.1, 10: 0.99}, None),
        ({7: 0.1}, None),
    ],
    ids=["one", "none", "two", "nothing to compare with"],
)
def test_jump_is_the_only_frame_unlike_the_one_before(likenesses: dict[int, float], frame: int | None) -> None:
    assert jump(likenesses) == frame
