"""What a finished file is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import Beats, Shot, Storyboard
from qmv.media.moments import moments
from qmv.media.timeline import Overlap, seen
from qmv.proof.views import View

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.api import Effect, Motion

    Grey = npt.NDArray[np.float32]

__all__ = ["Plan"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The shots, their pictures, and all that is done to them on the way to the screen."""

    storyboard: Storyboard
    beats: Beats
    overlaps: tuple[Overlap, ...]
    pictures: tuple[Path, ...]
    motion: Motion
    size_px: tuple[int, int]
    effects: tuple[Effect, ...]

    def shown(self, shot: int) -> Shot:
        """The shot with all the frames in which its picture is seen."""
        return seen(self.storyboard.shots[shot], self.overlaps)

    def view(self, shot: int) -> View:
        return View(self.pictures[shot], self.shown(shot), self.motion, self.size_px)

    def brightest(self, view: Grey, frame: int) -> float:
        """The luma of the brightest spot that a view should have at a frame, the effects' work included."""
        import numpy as np

        from qmv.media.frame import Frame

        y = np.repeat(np.repeat(np.rint(view).clip(0, 255).astype(np.uint8), 2, 0), 2, 1)
        neutral = np.full(view.shape, 128, np.uint8)
        made = Frame(y, neutral, neutral)
        for effect in self.effects:
            made = effect.apply(made, moments(self.beats, self.storyboard.fps, frame, 1)[0])
        return float(made.y.max())

    def window(self, shot: int) -> range:
        """Where the cut into a shot is looked for: the later half of the shot before, and the first half of it."""
        before, after = self.storyboard.shots[shot - 1 : shot + 1]
        first = min(before.start + before.frames // 2, after.start - 1)
        return range(first, max(after.start + after.frames // 2, after.start + 1))

    def alone(self, shot: int) -> range:
        """The frames in which the shot's picture alone is on screen."""
        shown = self.storyboard.shots[shot]
        out = self.overlaps[shot + 1].half if shot + 1 < len(self.overlaps) else 0
        return range(shown.start + self.overlaps[shot].half, shown.end - out)
