"""Frames that stand still and frames that are lost, on the path of a camera."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from qmv.proof.steps import Place, place, uneven

Grey = npt.NDArray[np.float32]
PHASES = np.random.default_rng(5).uniform(0, 2 * np.pi, 6)


def view(moment: float) -> Grey:
    """A soft texture that moves by a third of a pixel a frame."""
    y, x = np.mgrid[0:40, 0:60]
    waves = [
        np.sin(2 * np.pi * (x + moment / 3) / (9 + 3 * k) + 2 * np.pi * y / (31 - 4 * k) + p)
        for k, p in enumerate(PHASES)
    ]
    return (120 + 20 * np.sum(waves, axis=0)).astype(np.float32)


def places(moments: list[float], noise: float = 0.5) -> list[Place]:
    """What is found where frame n shows the moment moments[n], with a little noise, as a codec leaves it."""
    random = np.random.default_rng(1)
    frames = [view(m) + noise * random.standard_normal((40, 60)).astype(np.float32) for m in moments]
    found = [place(n, frames[n], frames[n - 1], (view(n - 1), view(n), view(n + 1))) for n in range(1, len(frames))]
    return [p for p in found if p is not None]


def even(count: int = 30) -> list[float]:
    return [float(n) for n in range(count)]


@pytest.mark.parametrize("late", [-0.75, 0.0, 0.4])
def test_place_tells_how_far_ahead_a_frame_is(late: float) -> None:
    """To a tenth of a frame, within one frame of the right place."""
    found = place(5, view(5 + late), view(4 + late), (view(4), view(5), view(6)))
    assert found is not None
    assert found.ahead == pytest.approx(late, abs=0.1)


def test_place_needs_a_camera_that_moves() -> None:
    assert place(5, view(5), view(5), (view(5), view(5), view(5))) is None


def test_place_is_the_same_in_another_light() -> None:
    frame = view(5.5) * 0.7 + 40
    found = place(5, frame, frame, (view(4), view(5), view(6)))
    assert found is not None
    assert found.ahead == pytest.approx(0.5, abs=0.1)


def test_uneven_finds_nothing_in_even_steps() -> None:
    found = uneven(places(even()), 1.0)
    assert (found.sure, found.frozen, found.jumps) == (True, (), ())


@pytest.mark.parametrize("length", [1, 2, 6])
def test_uneven_finds_frames_that_stand_still(length: int) -> None:
    moments = even()
    moments[12 : 12 + length] = [11.0] * length
    found = uneven(places(moments, noise=0.1), 1.0)
    assert (found.sure, found.frozen) == (True, tuple(range(12, 12 + length)))


def test_uneven_finds_a_frame_that_is_shown_twice() -> None:
    moments = [n if n < 12 else n - 1 for n in even()]
    assert uneven(places(moments, noise=0.1), 1.0).frozen == (12,)


def test_uneven_passes_over_a_frame_that_an_encoder_holds_where_nobody_sees_it() -> None:
    """A third of a pixel behind for a frame; a whole pixel, or for good, is another matter."""
    moments = even()
    moments[12] = 11.0
    held = places(moments, noise=0.1)
    assert (uneven(held, 0.33).frozen, uneven(held, 1.0).frozen) == ((), (12,))


def test_uneven_passes_over_a_path_that_an_encoder_shakes() -> None:
    moments = even()
    for n in range(6, 20, 2):
        moments[n] += 0.8
    assert uneven(places(moments, noise=0.1), 0.33).jumps == ()


def test_uneven_finds_a_lost_frame() -> None:
    moments = [n if n < 12 else n + 1 for n in even()]
    found = uneven(places(moments), 1.0)
    assert (found.sure, found.frozen, found.jumps) == (True, (), (12,))


def test_uneven_says_nothing_of_a_path_that_is_too_noisy() -> None:
    assert not uneven(places(even(), noise=60.0), 1.0).sure


def test_uneven_says_nothing_of_a_handful_of_frames() -> None:
    assert not uneven(places(even(6)), 1.0).sure
