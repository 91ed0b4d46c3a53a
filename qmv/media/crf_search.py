"""Finds the crf that gives a wanted quality: encoders say how they quantise, not how it looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = ["crf_for", "spread"]

STEP = 0.5
_AS_GOOD = 0.1  # of VMAF
_FIRST_GUESS_SLOPE = -0.6  # VMAF a unit of crf, around 94
_LINES = 6  # looks by which a line has led there or never will: on a plateau it creeps step by step


def crf_for(
    target: float, quality: Callable[[float], float], start: float, limits: tuple[float, float]
) -> tuple[float, float]:
    """The largest crf, in steps of a half, whose quality is at least `target`, and that quality.

    `quality` falls as crf rises; it is asked some four to six times, and 13 at most. Where even the best crf falls
    short, the largest one that is as good to a tenth, for which it is asked up to 13 times more.
    """
    known: dict[int, float] = {}
    found = _largest(target, quality, start, limits, known)
    return found if found[1] >= target else _largest(found[1] - _AS_GOOD, quality, start, limits, known)


def _largest(
    target: float, quality: Callable[[float], float], start: float, limits: tuple[float, float], known: dict[int, float]
) -> tuple[float, float]:
    low, high = (round(limit / STEP) for limit in limits)

    def at(step: int) -> float:
        if step not in known:
            known[step] = quality(step * STEP)
        return known[step]

    guess, asked = min(high, max(low, round(start / STEP))), 0
    while True:
        asked += 1
        enough = at(guess) >= target
        low, high = (guess, high) if enough else (low, guess - 1)
        if low >= high:
            return low * STEP, at(low)
        guess = _next_guess(known, target) if asked < _LINES else (low + high + 1) // 2
        guess = min(high, max(low + 1, guess))


def _next_guess(known: dict[int, float], target: float) -> int:
    """By a line through the two nearest points, or the usual slope while there is one only."""
    near = sorted(known, key=lambda step: abs(known[step] - target))[:2]
    slope = _FIRST_GUESS_SLOPE * STEP
    if len(near) == 2 and known[near[0]] != known[near[1]]:
        slope = min(-0.01, (known[near[0]] - known[near[1]]) / (near[0] - near[1]))
    return near[0] + math.floor((target - known[near[0]]) / slope)


def spread(count: int, wanted: int) -> Sequence[int]:
    """At most `wanted` of so many indices, evenly spread, none of them at the ends where there are enough."""
    if count <= wanted:
        return range(count)
    return [(2 * number + 1) * count // (2 * wanted) for number in range(wanted)]
