"""The contracts of motions, transitions and effects."""

from __future__ import annotations

import dataclasses
import itertools
import math
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import pytest

from qmv.api import (
    Effect,
    Moment,
    Motion,
    Transition,
)
from qmv.artifacts import Shot
from qmv.testing.base import PluginContract
from qmv.testing.things import noise_frame, song_shot

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame


class MotionContract(PluginContract):
    """A camera that stays on the picture and moves smoothly; the bounds are for shots of a second and more."""

    step_px: ClassVar[float] = 32.0  # the most that a corner moves from frame to frame, at 1920 px
    bend_px: ClassVar[float] = 0.5  # the most that this step changes from frame to frame, at 1920 px
    holds: ClassVar[bool] = False  # the camera may rest for some frames of a shot

    def shots(self) -> Iterator[Shot]:
        """Shots to try, short and long, the first of them as if a chunk began in their middle."""
        for index, (frames, start) in enumerate([(96, -40), (1, 0), (2, 7), (24, 100), (25, 0), (240, 3)]):
            yield song_shot(frames, start=start, index=index)

    def test_stays_inside_the_picture(self, subject: Motion) -> None:
        for shot in self.shots():
            corners = _corners(subject, shot)
            assert math.isfinite(corners.sum())
            assert corners.min() >= -1e-9, f"the camera leaves the picture in a shot of {shot.frames} frames"
            assert corners.max() <= 1 + 1e-9, f"the camera leaves the picture in a shot of {shot.frames} frames"

    def test_shows_some_of_the_picture(self, subject: Motion) -> None:
        for shot in self.shots():
            for frame in (shot.start, shot.end - 1):
                view = subject.camera(shot, frame)
                assert abs(view.xx * view.yy - view.xy * view.yx) > 1e-4, "the view has no area"

    def test_does_not_jump(self, subject: Motion) -> None:
        steps = [abs(_steps(subject, shot, 1)).max() for shot in self.shots() if shot.frames >= 24]
        assert max(steps) <= self.step_px

    def test_moves_smoothly(self, subject: Motion) -> None:
        bends = [abs(_steps(subject, shot, 2)).max() for shot in self.shots() if shot.frames >= 24]
        assert max(bends) <= self.bend_px

    def test_does_not_round_to_pixels(self, subject: Motion) -> None:
        """A slow move has another view at each frame; rounding would hold some and then jump."""
        shot = song_shot(1440)
        views = [subject.camera(shot, frame) for frame in range(shot.start, shot.end)]
        distinct = sum(a != b for a, b in itertools.pairwise(views))
        assert distinct == len(views) - 1 or len(set(views)) == 1 or self.holds

    def test_shows_the_same_twice(self, subject: Motion) -> None:
        for shot in self.shots():
            assert subject.camera(shot, shot.start) == pickle.loads(pickle.dumps(subject)).camera(shot, shot.start)

    def test_depends_on_the_place_in_the_shot_only(self, subject: Motion) -> None:
        """Chunks count a shot's frames from their own first one, and chunks are cached."""
        for shot in self.shots():
            moved = dataclasses.replace(shot, start=shot.start + 1000, end=shot.end + 1000)
            for frame in range(shot.start, shot.end):
                assert subject.camera(shot, frame) == pytest.approx(subject.camera(moved, frame + 1000), abs=1e-9)

    def test_does_not_depend_on_beat_or_words(self, subject: Motion) -> None:
        """These are no part of a chunk's key."""
        shot = song_shot(24)
        other = dataclasses.replace(shot, beat=9, prompt="other words", negative_prompt="others")
        assert subject.camera(shot, 12) == subject.camera(other, 12)


def _corners(motion: Motion, shot: Shot) -> npt.NDArray[np.float64]:
    """Where the four corners of the frame lie in the picture: [frames, 4, 2] in units of the picture."""
    import numpy as np

    views = np.array([motion.camera(shot, frame) for frame in range(shot.start, shot.end)]).reshape(-1, 2, 3)
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    places: npt.NDArray[np.float64] = np.einsum("fij,cj->fci", views, corners)
    return places


def _steps(motion: Motion, shot: Shot, order: int) -> npt.NDArray[np.float64]:
    """Differences of the corners from frame to frame, in px of a picture 1920 px wide."""
    import numpy as np

    return np.diff(_corners(motion, shot), n=order, axis=0) * 1920


class TransitionContract(PluginContract):
    """From a to b, exactly at both ends."""

    def test_begins_with_the_first_frame(self, subject: Transition) -> None:
        assert _equal(subject.blend(noise_frame(1), noise_frame(2), 0.0), noise_frame(1)), "t=0 must give a, exactly"

    def test_ends_with_the_second_frame(self, subject: Transition) -> None:
        assert _equal(subject.blend(noise_frame(1), noise_frame(2), 1.0), noise_frame(2)), "t=1 must give b, exactly"

    @pytest.mark.parametrize("t", [0.01, 0.25, 0.5, 0.75, 0.99])
    def test_keeps_the_size(self, subject: Transition, t: float) -> None:
        _same_form(subject.blend(noise_frame(1), noise_frame(2), t), noise_frame(1))

    @pytest.mark.parametrize("size", [(2, 2), (36, 64), (16, 38)])
    def test_takes_every_even_size(self, subject: Transition, size: tuple[int, int]) -> None:
        _same_form(subject.blend(noise_frame(1, *size), noise_frame(2, *size), 0.3), noise_frame(1, *size))

    def test_leaves_its_frames_as_they_were(self, subject: Transition) -> None:
        a, b = noise_frame(1), noise_frame(2)
        subject.blend(a, b, 0.4)
        assert _equal(a, noise_frame(1))
        assert _equal(b, noise_frame(2))

    def test_blends_the_same_twice(self, subject: Transition) -> None:
        first, second = (subject.blend(noise_frame(1), noise_frame(2), 0.4) for _ in range(2))
        assert _equal(first, second)

    def test_has_a_length(self, subject: Transition) -> None:
        assert math.isfinite(subject.length_s())
        assert subject.length_s() >= 0


class EffectContract(PluginContract):
    """A new frame of the same size, at any moment of the music."""

    def moments(self) -> Iterator[Moment]:
        """Moments to try: on a beat, between beats, and away from them."""
        for frame, (phase, energy) in enumerate([(0.0, 0.5), (0.5, 0.0), (1.0, 1.0), (None, 0.5), (0.02, 1.0)]):
            yield Moment(frame=frame, time_s=frame / 24, beat_phase=phase, bar_phase=None, energy=energy)
            yield Moment(frame=frame, time_s=frame / 24, beat_phase=phase, bar_phase=phase, energy=energy)

    def test_keeps_the_size(self, subject: Effect) -> None:
        for moment in self.moments():
            _same_form(subject.apply(noise_frame(1), moment), noise_frame(1))

    @pytest.mark.parametrize("size", [(2, 2), (36, 64), (16, 38)])
    def test_takes_every_even_size(self, subject: Effect, size: tuple[int, int]) -> None:
        _same_form(subject.apply(noise_frame(1, *size), next(self.moments())), noise_frame(1, *size))

    def test_leaves_its_frame_as_it_was(self, subject: Effect) -> None:
        """A still picture is one frame object for a whole shot."""
        for moment in self.moments():
            frame = noise_frame(1)
            subject.apply(frame, moment)
            assert _equal(frame, noise_frame(1)), f"the given frame was changed at beat phase {moment.beat_phase}"

    def test_works_away_from_beats(self, subject: Effect) -> None:
        moment = Moment(frame=0, time_s=0.0, beat_phase=None, bar_phase=None, energy=0.5)
        _same_form(subject.apply(noise_frame(1), moment), noise_frame(1))

    def test_does_the_same_twice(self, subject: Effect) -> None:
        for moment in self.moments():
            assert _equal(subject.apply(noise_frame(1), moment), subject.apply(noise_frame(1), moment))


def _equal(a: Frame, b: Frame) -> bool:
    import numpy as np

    return all(np.array_equal(p, q) for p, q in zip((a.y, a.u, a.v), (b.y, b.u, b.v)))


def _same_form(made: Frame, like: Frame) -> None:
    for name in ("y", "u", "v"):
        plane, wanted = getattr(made, name), getattr(like, name)
        assert plane.shape == wanted.shape, f"plane {name} is {plane.shape} instead of {wanted.shape}"
        assert plane.dtype == wanted.dtype, f"plane {name} is {plane.dtype} instead of {wanted.dtype}"
