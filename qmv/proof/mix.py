"""How much of either neighbouring picture a frame holds, and where the one gives way to the other: pure functions.

A frame near a cut is gain * ((1 - w) * A + w * B) + offset, where A and B are the two pictures as they are seen at that
moment. Gain and offset are left free where the pictures have texture, so that an effect that changes the light moves
no cut; `w` is what is looked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.float32]

__all__ = ["MISFIT", "Crossing", "Likeness", "Weight", "compare", "crossing", "jump", "likeness", "weigh"]

_CONTRAST = 3.0  # levels of 256 by which two pictures must differ, compression and rounding being about 1
_FLAT_CONTRAST = 6.0  # the same for pictures without texture
_UNLIKE = 0.2  # sine of the angle between them
MISFIT = 0.75  # above this share of the pictures' difference, a frame is neither
_WIDEST = 1.0  # a mix has a share of -0.5 to 1.5, measured
_FAINT = 0.15  # of the pictures' contrast: less than this is as good as black
_FIRST, _SECOND = 0.25, 0.75  # below and above, a frame shows one picture only
_DARK_FRAMES = 2  # as many frames that show nothing may lie in the middle of a dip to black
_CHANGED, _GOES_ON = 0.7, 0.9  # correlations of a frame with the one before


class Likeness(Enum):
    """What can be told of two pictures from each other."""

    TEXTURE = "texture"  # by their texture, whatever the light does
    LIGHT = "light"  # by their brightness only
    ALIKE = "alike"


@dataclass(frozen=True)
class Weight:
    """The share `w` of the second picture in frame `number`, or how far a transition is that is no mix, and whether the
    frame shows the two at all."""

    number: int
    w: float
    mixed: bool


@dataclass(frozen=True)
class Crossing:
    """Where the second picture takes over: `frame` is its first frame, a fraction within a transition.

    Where that cannot be said, `frame` is None and `why` says why; `wrong` where one picture is seen in place of the
    other, and not merely unclear.
    """

    frame: float | None
    why: str = ""
    wrong: bool = False


def compare(a: Grey, b: Grey) -> Likeness:
    """How two pictures can be told apart."""
    a_part, b_part = a - a.mean(), b - b.mean()
    norms = float((a_part**2).mean()) ** 0.5, float((b_part**2).mean()) ** 0.5
    if min(norms) > 0:
        cosine = float((a_part * b_part).mean()) / (norms[0] * norms[1])
        sine = math.sqrt(max(0.0, 1 - cosine**2))
        if sine >= _UNLIKE and min(norms) * sine >= _CONTRAST:
            return Likeness.TEXTURE
    return Likeness.LIGHT if float(((a - b) ** 2).mean()) ** 0.5 >= _FLAT_CONTRAST else Likeness.ALIKE


def likeness(a: Grey, b: Grey) -> float:
    """Correlation of two greys, in -1..1; 0 where one of them is flat."""
    a, b = a - a.mean(), b - b.mean()
    power = float((a * a).sum()) * float((b * b).sum())
    return float((a * b).sum()) / power**0.5 if power > 0 else 0.0


def jump(likenesses: Mapping[int, float]) -> int | None:
    """The one frame that does not look like the frame before it, all others doing so; None where there is no such one.

    Where a hard cut is, whatever the pictures are.
    """
    order = sorted(likenesses, key=lambda number: likenesses[number])
    if len(order) < 2 or likenesses[order[0]] > _CHANGED or likenesses[order[1]] < _GOES_ON:
        return None
    return order[0]


def weigh(number: int, frame: Grey, a: Grey, b: Grey, likeness: Likeness) -> Weight:
    """The share of `b` in a frame; all are of one shape, in levels of 0..255."""
    if likeness is not Likeness.TEXTURE:
        step = b - a
        power = float((step**2).sum())
        w = float(((frame - a) * step).sum()) / power
        rest = float(((frame - a - w * step) ** 2).sum())
        return Weight(number, w, rest <= power * MISFIT**2 and abs(w - 0.5) <= _WIDEST)
    f, a, b = frame - frame.mean(), a - a.mean(), b - b.mean()
    aa, ab, bb = (float((x * y).sum()) for x, y in ((a, a), (a, b), (b, b)))
    fa, fb, ff = float((f * a).sum()), float((f * b).sum()), float((f * f).sum())
    determinant = aa * bb - ab * ab
    alpha, beta = (fa * bb - fb * ab) / determinant, (fb * aa - fa * ab) / determinant
    gain = alpha + beta
    if gain < _FAINT:
        return Weight(number, 0.5, mixed=False)
    apart = determinant / max(aa, bb)  # what of the fainter picture the other one cannot explain
    rest = max(0.0, ff - alpha * fa - beta * fb)
    w = beta / gain
    return Weight(number, w, rest <= gain**2 * apart * MISFIT**2 and abs(w - 0.5) <= _WIDEST)


def crossing(weights: Sequence[Weight], planned: float) -> Crossing:
    """Where the weights of a window cross one half. `planned` decides only whether what is missing is wrong."""
    first = [x.number for x in weights if x.mixed and x.w < _FIRST]
    second = [x.number for x in weights if x.mixed and x.w > _SECOND]
    if not first or not second:
        return _one_sided(first, second, planned)
    last, next_ = max(first), min(second)
    if next_ < last:
        return Crossing(None, "the pictures alternate", wrong=True)
    between = [x for x in weights if last < x.number < next_]
    if not between:
        return Crossing(float(next_))
    if all(x.mixed for x in between):
        return Crossing(_ramp([x for x in weights if last <= x.number <= next_]))
    if len(between) <= _DARK_FRAMES:
        return Crossing((last + next_ + 1) / 2)
    return Crossing(None, "the transition is no mix of its pictures")


def _one_sided(first: Sequence[int], second: Sequence[int], planned: float) -> Crossing:
    if first and max(first) >= planned + 1:
        return Crossing(None, f"the picture before is still there at frame {max(first)}", wrong=True)
    if second and min(second) <= planned - 1:
        return Crossing(None, f"the picture after is there already at frame {min(second)}", wrong=True)
    return Crossing(None, "its frames look like neither picture")


def _ramp(weights: Sequence[Weight]) -> float:
    """A straight line through the mixed frames tells where the cut is; a frame's middle is what it shows.

    The line of medians (Theil and Sen), since in the dark middle of a dip a frame may be taken for its mirror image.
    """
    inner = weights[1:-1]
    if len(inner) < 2:
        inner = weights
    numbers, values = [x.number for x in inner], [x.w for x in inner]
    points = list(zip(numbers, values))
    slope = median((v - u) / (n - m) for (m, u), (n, v) in combinations(points, 2))
    if slope <= 0:
        return (numbers[0] + numbers[-1] + 1) / 2
    at = median(n + (0.5 - v) / slope for n, v in points)
    return min(max(at, numbers[0] - 1), numbers[-1] + 1) + 0.5
