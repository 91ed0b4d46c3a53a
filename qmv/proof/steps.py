"""Whether a moving picture moves on by one step each frame: finds frames that stand still and frames that are lost.

A frame is compared with the view that the camera should have just then, and with how that view changes: to first
order, frame = gain * (view + late * change) + offset. `late`, in frames, hardly differs from one frame to the next; it
falls by one where a frame is shown twice, and rises by one where a frame is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.float32]

__all__ = ["Place", "Uneven", "place", "uneven"]

_SURE = 0.07  # frames: with more jitter than this from frame to frame, nothing is said
_STOPPED, _JUMPED = 0.3, 1.7  # steps that a frame takes in place of one
_SAME = 0.4  # a picture that stands still changes by less than this share of what it should
_LASTING = 0.75  # frames: what a lost frame or a doubled one leaves behind
_AROUND = 6  # frames before and after, whose medians are compared
_LEFT_BEHIND_PX = 1.0
_FEWEST = 8


@dataclass(frozen=True)
class Place:
    """Where on the camera's path frame `number` is: how many frames ahead, and its change against the due one."""

    number: int
    ahead: float
    change: float


@dataclass(frozen=True)
class Uneven:
    """Frames that stand still, and frames before which at least one is missing; `sure` where that can be told."""

    sure: bool
    frozen: tuple[int, ...] = ()
    jumps: tuple[int, ...] = ()


def place(
    number: int, frame: Grey, last: Grey, views: tuple[Grey, Grey, Grey], was: Grey | None = None
) -> Place | None:
    """Compares a frame, and the one before, with the views due one frame before, at, and one frame after it; `was` is
    what was due on the frame before, where an effect made it another view than the first of these.

    None where the camera stands still or the picture has nothing to follow.
    """
    before, now, after = views
    f, view, change = _level(frame), _level(now), _level(after - before) / 2
    vv, vc, cc = (float((x * y).sum()) for x, y in ((view, view), (view, change), (change, change)))
    determinant = vv * cc - vc * vc
    due = float(((now - (before if was is None else was)) ** 2).sum())
    if determinant <= 1e-6 * vv * vv or due <= 0:
        return None
    fv, fc = float((f * view).sum()), float((f * change).sum())
    gain = (fv * cc - fc * vc) / determinant
    if gain <= 0.1:
        return None
    ahead = (fc * vv - fv * vc) / determinant / gain
    return Place(number, ahead, (float(((frame - last) ** 2).sum()) / due) ** 0.5 / gain)


def uneven(places: Sequence[Place], step_px: float) -> Uneven:
    """What is wrong with the steps of one shot, given in order, in which the camera moves by `step_px` a frame.

    At low quality an encoder holds a picture for a frame where that is hardly to be seen, and catches up. So a frame
    stands still only where the camera has left it behind by a whole pixel, or is late ever after.
    """
    import numpy as np

    pairs = [i for i in range(1, len(places)) if places[i].number == places[i - 1].number + 1]
    if len(pairs) < _FEWEST:
        return Uneven(sure=False)
    ahead = np.array([p.ahead for p in places])
    steps = {i: 1 + float(ahead[i] - ahead[i - 1]) for i in pairs}
    middle = float(np.median([*steps.values()]))
    if float(np.median([abs(step - middle) for step in steps.values()])) > _SURE:
        return Uneven(sure=False)
    held = {i for i, step in steps.items() if step < _STOPPED and places[i].change < _SAME}
    frozen = {i for i in held if _run(held, i) * step_px >= _LEFT_BEHIND_PX or _lasting(ahead, i) < -_LASTING}
    jumps = [i for i, step in steps.items() if step > _JUMPED and i - 1 not in held and _lasting(ahead, i) > _LASTING]
    return Uneven(
        sure=True,
        frozen=tuple(places[i].number for i in sorted(frozen)),
        jumps=tuple(places[i].number for i in jumps),
    )


def _run(numbers: set[int], at: int) -> int:
    """How many numbers follow each other around one of them."""
    first = last = at
    while first - 1 in numbers:
        first -= 1
    while last + 1 in numbers:
        last += 1
    return last - first + 1


def _lasting(ahead: npt.NDArray[np.float64], at: int) -> float:
    """By how many frames the path is farther on after a place than before; 0 where too little of it is known."""
    import numpy as np

    before, after = ahead[max(0, at - _AROUND) : at], ahead[at : at + _AROUND]
    return float(np.median(after) - np.median(before)) if min(len(before), len(after)) * 2 >= _AROUND else 0.0


def _level(grey: Grey) -> Grey:
    return grey - grey.mean()  # type: ignore[no-any-return]
