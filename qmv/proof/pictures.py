"""One pass over a finished file: where its cuts are, where it is black, where its camera stands still.

The plan says which pictures are neighbours, and the half of either shot in which their cut is looked for; where in it
the cut is, the pixels say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qmv.artifacts import FrameRun
from qmv.proof.plan import Plan
from qmv.proof.screen import Seen
from qmv.proof.search import CutSearch, FoundCut, nothing_seen
from qmv.proof.steps import Place, place, uneven
from qmv.proof.strangers import is_stranger, other_picture
from qmv.proof.views import View

__all__ = ["ScreenProof", "prove_pictures"]

_BLACK = 16 + 6  # luma levels; 16 is black
_LIT = 16 + 24  # a picture whose brightest spot is darker may well look black
_ENOUGH = 3  # shots with a wrong picture
_VISIBLE_PX = 0.15  # a camera that moves less in a frame may leave the encoder nothing to write


@dataclass(frozen=True, kw_only=True)
class ScreenProof:
    """`followed` counts the shots whose camera could be followed, of `moving` ones; `strangers` are shots with the one
    whose picture they show in place of their own."""

    frames: int
    exact: bool
    cuts: tuple[FoundCut, ...]
    black: tuple[FrameRun, ...]
    strangers: tuple[tuple[int, int], ...]
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


class _Walk:
    """What is known of a file as far as it has been seen."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.shots = plan, plan.storyboard.shots
        self.at, self.count, self.exact = 0, 0, True
        self.views: dict[int, View] = {}
        self.searches: dict[int, CutSearch] = {}
        self.cuts: list[FoundCut] = []
        self.black: list[int] = []
        self.unplanned: set[int] = set()
        self.strangers: list[tuple[int, int]] = []
        self.frozen: list[int] = []
        self.jumps: list[int] = []
        self.places: list[Place] = []
        self.step_px = -1.0  # how far the camera of the shot at hand moves in a frame, once that is known
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
        self._look_for_strangers(frame)
        self.last = frame

    def done(self) -> ScreenProof:
        self._leave(to_the_end=True)
        return ScreenProof(
            frames=self.count,
            exact=self.exact,
            cuts=tuple(self.cuts),
            black=tuple(r for r in _runs(self.black) if self.unplanned & {*range(r.first, r.first + r.frames)}),
            strangers=tuple(self.strangers),
            frozen=_runs(self.frozen),
            jumps=tuple(self.jumps),
            moving=self.moving,
            followed=self.followed,
        )

    # -- cuts --------------------------------------------------------------------------------------------------------

    def _weigh(self, shot: int, frame: Seen) -> None:
        a, b = self._view(shot - 1), self._view(shot)
        if shot not in self.searches:
            self.searches[shot] = CutSearch.between(a, b, shot, self.plan)
        self.searches[shot].look(frame, self.last, a, b, self.plan)

    def _leave(self, *, to_the_end: bool = False) -> None:
        """The shot at hand is over, and with it the search for the cut into it."""
        self._judge_steps()
        last = len(self.shots) if to_the_end else self.at + 1
        for shot in range(max(1, len(self.cuts) + 1), last):
            search = self.searches.pop(shot, None)
            self.cuts.append(nothing_seen(shot) if search is None else search.found(self.plan))
        self.at += 1
        self.views = {shot: view for shot, view in self.views.items() if shot >= self.at - 1}

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
        if self.step_px < 0:
            self.step_px = view.speed_px(alone[len(alone) // 2])
        if self.step_px < _VISIBLE_PX:
            return
        # along the camera's own path: an effect that zooms back while the camera goes on would leave none to measure by
        views = (view.at(n - 1, effects_of=n), view.at(n), view.at(n + 1, effects_of=n))
        if (found := place(n, frame.luma, self.last.luma, views, view.at(n - 1))) is not None:
            self.places.append(found)

    def _judge_steps(self) -> None:
        if self.places:
            found = uneven(self.places, self.step_px)
            self.moving, self.followed = self.moving + 1, self.followed + found.sure
            self.frozen += found.frozen
            self.jumps += found.jumps
        self.places, self.step_px = [], -1.0

    def _look_for_black(self, frame: Seen) -> None:
        if frame.brightest > _BLACK:
            return
        if self.plan.brightest(self._view(self.at).at(frame.number), frame.number) > _LIT:
            self.black.append(frame.number)
            if frame.number in self.plan.alone(self.at):  # a transition may lead through black
                self.unplanned.add(frame.number)

    def _look_for_strangers(self, frame: Seen) -> None:
        """Looks once a shot, in its middle, and only while few have been found: there may be hundreds of pictures."""
        alone = self.plan.alone(self.at)
        if not alone or frame.number != alone[len(alone) // 2] or len(self.strangers) >= _ENOUGH:
            return
        if is_stranger(frame.luma, self._view(self.at).at(frame.number)):
            other = other_picture(self.plan, self.at, frame.number, frame.luma)
            self.strangers += [] if other is None else [(self.at, other)]


def _runs(numbers: Iterable[int]) -> tuple[FrameRun, ...]:
    """Frames in order, as stretches."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][0] + found[-1][1]:
            found[-1][1] += 1
        else:
            found.append([number, 1])
    return tuple(FrameRun(first=first, frames=count) for first, count in found)
