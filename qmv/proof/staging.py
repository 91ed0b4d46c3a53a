"""How far a transition is that does not simply mix its two pictures: pure functions of values.

Such a transition is asked for what it would show, small, and the frame is compared with that, light and all.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from qmv.media.frame import Frame
from qmv.proof.mix import MISFIT, Weight

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.api import Transition

    Grey = npt.NDArray[np.float32]

__all__ = ["colourless", "is_mix", "locate", "small"]

_ROUNDING = 1.5  # levels
_START = 8  # parts of the whole in which the nearest one is looked for at first
_FINEST = 1 / 256
_AS_GOOD_AS = 0.05  # of the pictures' difference: a frame that is so near to a picture shows it alone
_APART, _TOLD = 0.25, 1.5  # so far from the place found, twice as far from an end, it must fit worse by so many levels


def colourless(view: Grey) -> Frame:
    """A frame of a small luma, at twice its size, so that no side is odd."""
    import numpy as np

    y = np.repeat(np.repeat(np.rint(view).clip(0, 255).astype(np.uint8), 2, 0), 2, 1)
    neutral = np.full(view.shape, 128, np.uint8)
    return Frame(y, neutral, neutral)


def small(frame: Frame) -> Grey:
    """The luma of a frame at half its size."""
    import cv2
    import numpy as np

    width, height = frame.size
    return cv2.resize(frame.y.astype(np.float32), (width // 2, height // 2), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def is_mix(transition: Transition, a: Frame, b: Frame) -> bool:
    """Whether the second picture's share is how far the transition is."""
    import numpy as np

    for t in (0.25, 0.5, 0.75):
        mixed = (1 - t) * a.y.astype(np.float32) + t * b.y
        if float(np.abs(transition.blend(a, b, t).y - mixed).max()) > _ROUNDING:
            return False
    return True


def locate(number: int, frame: Grey, shown: Callable[[float], Grey]) -> Weight:
    """How far the transition is in a frame, as its weight; `shown` tells what is seen at each t in 0..1."""

    @functools.cache
    def rest(t: float) -> float:
        return float(((frame - shown(t)) ** 2).sum())

    power = float(((shown(1.0) - shown(0.0)) ** 2).sum())
    t = next((end for end in (0.0, 1.0) if rest(end) <= power * _AS_GOOD_AS**2), None)
    if t is None:
        t = _nearest(rest)
    apart = _APART if 0 < t < 1 else 2 * _APART
    told = min(rest(at) for at in (t - apart, t + apart) if 0 <= at <= 1) - rest(t)
    return Weight(number, t, mixed=rest(t) <= power * MISFIT**2 and told >= frame.size * _TOLD**2)


def _nearest(rest: Callable[[float], float]) -> float:
    """Where a frame fits best. Through a dip it also fits its mirror image on the other side rather well, so each dent
    in the curve is looked at closely."""
    rests = [rest(part / _START) for part in range(_START + 1)]
    around = [math.inf, *rests, math.inf]
    dents = [part for part, own in enumerate(rests) if own <= min(around[part], around[part + 2])]
    return min((_refined(rest, part / _START) for part in dents), key=rest)


def _refined(rest: Callable[[float], float], t: float) -> float:
    step = 0.5 / _START
    while step >= _FINEST:
        t = min((at for at in (t, t - step, t + step) if 0 <= at <= 1), key=rest)
        step /= 2
    return t
