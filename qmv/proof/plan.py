"""What a finished file is compared with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import Beats, Shot, Storyboard
from qmv.media.camera import IDENTITY, Affine
from qmv.media.moments import Moment, moments
from qmv.media.timeline import Overlap, seen
from qmv.proof.staging import colourless
from qmv.proof.views import View, behind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.api import Effect, Motion, Transition
    from qmv.media.frame import Frame

    Grey = npt.NDArray[np.float32]

__all__ = ["Plan"]

_BLOCK = 240  # frames whose moments are made at once


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The shots, their pictures, and all that is done to them on the way to the screen."""

    storyboard: Storyboard
    beats: Beats
    overlaps: tuple[Overlap, ...]
    pictures: tuple[Path, ...]
    motion: Motion
    transition: Transition
    size_px: tuple[int, int]
    effects: tuple[Effect, ...]

    def shown(self, shot: int) -> Shot:
        """The shot with all the frames in which its picture is seen."""
        return seen(self.storyboard.shots[shot], self.overlaps)

    def view(self, shot: int) -> View:
        return self.view_of(self.pictures[shot], shot)

    def view_of(self, picture: Path, shot: int) -> View:
        """What a picture looks like in place of the shot's own."""
        return View(picture, self.shown(shot), self.motion, self.size_px, self.bent)

    def bent(self, frame: int) -> Affine:
        """Where the effects take each point of a frame from."""
        bent = IDENTITY
        for effect in self.effects:
            bent = behind(bent, effect.view(self._moment(frame)))
        return bent

    def finished(self, frame: Frame, number: int) -> Frame:
        """What the effects make of a frame."""
        for effect in self.effects:
            frame = effect.apply(frame, self._moment(number))
        return frame

    def brightest(self, view: Grey, frame: int) -> float:
        """The luma of the brightest spot that a view should have at a frame, the effects' work included."""
        return float(self.finished(colourless(view), frame).y.max())

    def window(self, shot: int) -> range:
        """Where the cut into a shot is looked for: the later half of the shot before, and the first half of it."""
        before, after = self.storyboard.shots[shot - 1 : shot + 1]
        first = min(before.start + before.frames // 2, after.start - 1)
        return range(first, max(after.start + after.frames // 2, after.start + 1))

    def _moment(self, frame: int) -> Moment:
        return self._moments(frame // _BLOCK)[frame % _BLOCK]

    @functools.cached_property
    def _moments(self) -> Callable[[int], tuple[Moment, ...]]:
        def block(number: int) -> tuple[Moment, ...]:
            return moments(self.beats, self.storyboard.fps, number * _BLOCK, _BLOCK)

        return functools.lru_cache(maxsize=2)(block)

    def alone(self, shot: int) -> range:
        """The frames in which the shot's picture alone is on screen."""
        shown = self.storyboard.shots[shot]
        out = self.overlaps[shot + 1].half if shot + 1 < len(self.overlaps) else 0
        return range(shown.start + self.overlaps[shot].half, shown.end - out)
