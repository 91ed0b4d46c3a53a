"""Looks for one cut among the frames around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from qmv.proof.mix import Crossing, Likeness, Weight, compare, crossing, jump, likeness, weigh
from qmv.proof.plan import Plan
from qmv.proof.screen import Seen
from qmv.proof.staging import colourless, is_mix, locate, small
from qmv.proof.views import View

__all__ = ["CutSearch", "FoundCut", "nothing_seen"]


@dataclass(frozen=True, kw_only=True)
class FoundCut:
    """The cut into a shot; `time_s` is when the frame that it was found at is shown, `blended` how many frames the
    transition into the shot lasts."""

    shot: int
    crossing: Crossing
    time_s: float | None = None
    blended: int = 0


def nothing_seen(shot: int) -> FoundCut:
    """For a cut that the file is too short for."""
    return FoundCut(shot=shot, crossing=Crossing(None, "the file ends before it", wrong=True))


@dataclass
class CutSearch:
    """The cut into a shot, and what its frames hold of the two pictures; a few numbers a frame."""

    shot: int
    likeness: Likeness
    hard: bool  # no transition leads into the shot
    mixes: bool  # in between, a share of either picture is seen
    weights: list[Weight] = field(default_factory=list)
    times_s: dict[int, Fraction] = field(default_factory=dict)
    likenesses: dict[int, float] = field(default_factory=dict)

    @classmethod
    def between(cls, a: View, b: View, shot: int, plan: Plan) -> CutSearch:
        """The search for the cut from one picture into the next, that of `shot`."""
        start, hard = plan.storyboard.shots[shot].start, not plan.overlaps[shot].half
        before, after = (colourless(view.before_effects(start)) for view in (a, b))
        mixes = hard or is_mix(plan.transition, before, after)
        return cls(shot, compare(a.at(start), b.at(start)), hard, mixes)

    def look(self, frame: Seen, last: Seen | None, a: View, b: View, plan: Plan) -> None:
        """Takes the next frame, the one before it, and the two pictures."""
        if self.hard and self.times_s and last is not None:
            self.likenesses[frame.number] = likeness(frame.luma, last.luma)
        self.times_s[frame.number] = frame.time_s
        if self.likeness is not Likeness.ALIKE:
            self.weights.append(self._weight(frame, a, b, plan))

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
        return FoundCut(
            shot=self.shot,
            crossing=seen,
            time_s=self._shown_at(seen.frame, plan.storyboard.fps),
            blended=2 * plan.overlaps[self.shot].half,
        )

    def _weight(self, frame: Seen, a: View, b: View, plan: Plan) -> Weight:
        n = frame.number
        if self.mixes and not plan.effects:
            return weigh(n, frame.luma, a.at(n), b.at(n), self.likeness)
        before, after = (colourless(view.before_effects(n)) for view in (a, b))
        if self.mixes:  # with the light left free, for effects that are not the same at every size
            first, second = (small(plan.finished(picture, n)) for picture in (before, after))
            return weigh(n, frame.luma, first, second, self.likeness)
        return locate(n, frame.luma, lambda t: small(plan.finished(plan.transition.blend(before, after, t), n)))

    def _shown_at(self, frame: float, fps: Fraction) -> float:
        whole = min(max(int(frame), min(self.times_s)), max(self.times_s))
        return float(self.times_s[whole]) + (frame - whole) / float(fps)
