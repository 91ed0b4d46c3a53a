"""Looks for one cut among the frames around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from qmv.proof.mix import Crossing, Likeness, Weight, crossing, jump, likeness, weigh
from qmv.proof.plan import Plan
from qmv.proof.screen import Seen

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.float32]

__all__ = ["CutSearch", "FoundCut", "nothing_seen"]


@dataclass(frozen=True, kw_only=True)
class FoundCut:
    """The cut into a shot; `time_s` is when the frame that it was found at is shown."""

    shot: int
    crossing: Crossing
    time_s: float | None = None


def nothing_seen(shot: int) -> FoundCut:
    """For a cut that the file is too short for."""
    return FoundCut(shot=shot, crossing=Crossing(None, "the file ends before it", wrong=True))


@dataclass
class CutSearch:
    """The cut into a shot, and what its frames hold of the two pictures; a few numbers a frame."""

    shot: int
    likeness: Likeness
    hard: bool  # no transition leads into the shot
    weights: list[Weight] = field(default_factory=list)
    times_s: dict[int, Fraction] = field(default_factory=dict)
    likenesses: dict[int, float] = field(default_factory=dict)

    def look(self, frame: Seen, last: Seen | None, a: Grey, b: Grey) -> None:
        """Takes the next frame, the one before it, and the two pictures as they are seen in it."""
        if self.hard and self.times_s and last is not None:
            self.likenesses[frame.number] = likeness(frame.luma, last.luma)
        self.times_s[frame.number] = frame.time_s
        if self.likeness is not Likeness.ALIKE:
            self.weights.append(weigh(frame.number, frame.luma, a, b, self.likeness))

    def found(self, plan: Plan) -> FoundCut:
        """Where the cut is, after the last frame."""
        if self.likeness is Likeness.ALIKE:
            return FoundCut(shot=self.shot, crossing=Crossing(None, "the pictures look alike"))
        if self.likeness is Likeness.LIGHT and plan.effects:
            return FoundCut(shot=self.shot, crossing=Crossing(None, "the pictures differ in brightness only"))
        seen = crossing(self.weights, plan.storyboard.shots[self.shot].start)
        if seen.frame is None and self.likeness is Likeness.TEXTURE and self.hard:
            at = jump(self.likenesses)  # a hard cut shows without its pictures too, as the one change
            seen = seen if at is None else Crossing(float(at))
        if seen.frame is None:
            wrong = seen.wrong and self.likeness is Likeness.TEXTURE
            return FoundCut(shot=self.shot, crossing=Crossing(None, seen.why, wrong))
        return FoundCut(shot=self.shot, crossing=seen, time_s=self._shown_at(seen.frame, plan.storyboard.fps))

    def _shown_at(self, frame: float, fps: Fraction) -> float:
        whole = min(max(int(frame), min(self.times_s)), max(self.times_s))
        return float(self.times_s[whole]) + (frame - whole) / float(fps)
