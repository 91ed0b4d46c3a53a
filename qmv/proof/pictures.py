"""One pass over a finished file: where its cuts are, where it is black, where its camera stands still.

The plan says which pictures are neighbours, and the half of either shot in which their cut is looked for; where in it
the cut is, the pixels say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from qmv.artifacts import FrameRun
from qmv.proof.mix import Crossing, Likeness, Weight, compare, crossing, weigh
from qmv.proof.plan import Plan
from qmv.proof.screen import Seen
from qmv.proof.steps import Place, place, uneven
from qmv.proof.views import View

__all__ = ["FoundCut", "ScreenProof", "prove_pictures"]

_BLACK = 16 + 6  # luma levels; 16 is black
_LIT = 16 + 24  # a picture whose brightest spot is darker may well look black
_VISIBLE_PX = 0.15  # a camera that moves less in a frame may leave the encoder nothing to write


@dataclass(frozen=True, kw_only=True)
class FoundCut:
    """The cut into a shot; `time_s` is when the frame that it was found at is shown."""

    shot: int
    crossing: Crossing
    time_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScreenProof:
    """`followed` counts the shots whose camera could be followed, of `moving` ones. Stretches are in frames."""

    frames: int
    exact: bool
    cuts: tuple[FoundCut, ...]
    black: tuple[FrameRun, ...]
    frozen: tuple[FrameRun, ...]
    jumps: tuple[int, ...]
    moving: int
    followed: int


def prove_pictures(frames: Iterable[Seen], plan: Plan, told: Callable[[int], None] = lambda _: None) -> ScreenProof:
    """Looks at each frame once; keeps a few numbers a frame of the shots at hand."""
    walk = _Walk(plan)
    for frame in frames:
        walk.step(frame)
        told(frame.number + 1)
    return walk.done()


@dataclass
class _Window:
    """A cut that is being looked for."""

    shot: int
    likeness: Likeness
    weights: list[Weight] = field(default_factory=list)
    times_s: dict[int, Fraction] = field(default_factory=dict)


class _Walk:
    """What is known of a file as far as it has been seen."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.shots = plan, plan.storyboard.shots
        self.at, self.count, self.exact = 0, 0, True
        self.views: dict[int, View] = {}
        self.windows: dict[int, _Window] = {}
        self.cuts: list[FoundCut] = []
        self.black: list[int] = []
        self.frozen: list[int] = []
        self.jumps: list[int] = []
        self.places: list[Place] = []
        self.visible: bool | None = None  # whether the camera of the shot at hand moves enough to be followed
        self.moving = self.followed = 0
        self.last: Seen | None = None

    def step(self, frame: Seen) -> None:
        number = self.count
        self.count += 1
        self.exact = self.exact and frame.time_s * self.plan.storyboard.fps == number
        if number >= self.plan.storyboard.frames:
            return
        while number >= self.shots[self.at].end:
            self._leave()
        for shot in (self.at, self.at + 1):
            if 0 < shot < len(self.shots) and number in self.plan.window(shot):
                self._weigh(shot, frame)
        self._follow(frame)
        self._look_for_black(frame)
        self.last = frame

    def done(self) -> ScreenProof:
        self._leave(to_the_end=True)
        return ScreenProof(
            frames=self.count,
            exact=self.exact,
            cuts=tuple(self.cuts),
            black=_runs(self.black),
            frozen=_runs(self.frozen),
            jumps=tuple(self.jumps),
            moving=self.moving,
            followed=self.followed,
        )

    # -- cuts --------------------------------------------------------------------------------------------------------

    def _weigh(self, shot: int, frame: Seen) -> None:
        a, b = self._view(shot - 1), self._view(shot)
        if shot not in self.windows:
            start = self.shots[shot].start
            self.windows[shot] = _Window(shot, compare(a.at(start), b.at(start)))
        window = self.windows[shot]
        window.times_s[frame.number] = frame.time_s
        if window.likeness is not Likeness.ALIKE:
            n = frame.number
            window.weights.append(weigh(n, frame.luma, a.at(n), b.at(n), window.likeness))

    def _leave(self, *, to_the_end: bool = False) -> None:
        """The shot at hand is over, and with it the search for the cut into it."""
        self._judge_steps()
        last = len(self.shots) if to_the_end else self.at + 1
        for shot in range(max(1, len(self.cuts) + 1), last):
            self.cuts.append(self._found(shot, self.windows.pop(shot, None)))
        self.at += 1
        self.views = {shot: view for shot, view in self.views.items() if shot >= self.at - 1}

    def _found(self, shot: int, window: _Window | None) -> FoundCut:
        if window is None:
            return FoundCut(shot=shot, crossing=Crossing(None, "the file ends before it", wrong=True))
        if window.likeness is Likeness.ALIKE:
            return FoundCut(shot=shot, crossing=Crossing(None, "the pictures look alike"))
        if window.likeness is Likeness.LIGHT and not self.plan.steady:
            return FoundCut(shot=shot, crossing=Crossing(None, "the pictures differ in brightness only"))
        found = crossing(window.weights, self.shots[shot].start)
        if found.frame is None:
            wrong = found.wrong and window.likeness is Likeness.TEXTURE
            return FoundCut(shot=shot, crossing=Crossing(None, found.why, wrong))
        return FoundCut(shot=shot, crossing=found, time_s=_shown_at(found.frame, window, self.plan.storyboard.fps))

    def _view(self, shot: int) -> View:
        if shot not in self.views:
            self.views[shot] = self.plan.view(shot)
        return self.views[shot]

    # -- camera and light --------------------------------------------------------------------------------------------

    def _follow(self, frame: Seen) -> None:
        """Compares the frame with the camera's path where one picture alone is on screen."""
        n, alone = frame.number, self.plan.alone(self.at)
        if n not in alone[1:-1] or self.last is None:
            return
        view = self._view(self.at)
        if self.visible is None:
            self.visible = view.speed_px(alone[len(alone) // 2]) >= _VISIBLE_PX
        if not self.visible:
            return
        views = (view.at(n - 1), view.at(n), view.at(n + 1))
        if (found := place(n, frame.luma, self.last.luma, views)) is not None:
            self.places.append(found)

    def _judge_steps(self) -> None:
        if self.places:
            found = uneven(self.places)
            self.moving, self.followed = self.moving + 1, self.followed + found.sure
            self.frozen += found.frozen
            self.jumps += found.jumps
        self.places, self.visible = [], None

    def _look_for_black(self, frame: Seen) -> None:
        if frame.brightest > _BLACK or frame.number not in self.plan.alone(self.at):
            return  # a transition may lead through black
        if float(self._view(self.at).at(frame.number).max()) > _LIT:
            self.black.append(frame.number)


def _shown_at(frame: float, window: _Window, fps: Fraction) -> float:
    whole = min(max(int(frame), min(window.times_s)), max(window.times_s))
    return float(window.times_s[whole]) + (frame - whole) / float(fps)


def _runs(numbers: Iterable[int]) -> tuple[FrameRun, ...]:
    """Frames in order, as stretches."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][0] + found[-1][1]:
            found[-1][1] += 1
        else:
            found.append([number, 1])
    return tuple(FrameRun(first=first, frames=count) for first, count in found)
