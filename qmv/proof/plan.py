"""What a finished file is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import Storyboard
from qmv.media.timeline import Overlap, seen
from qmv.proof.views import View

if TYPE_CHECKING:
    from qmv.api import Motion

__all__ = ["Plan"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the file is compared with; `steady` is whether no effect changes the light."""

    storyboard: Storyboard
    overlaps: tuple[Overlap, ...]
    pictures: tuple[Path, ...]
    motion: Motion
    size_px: tuple[int, int]
    steady: bool

    def view(self, shot: int) -> View:
        return View(self.pictures[shot], seen(self.storyboard.shots[shot], self.overlaps), self.motion, self.size_px)

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
