"""Which beats pictures change on: every few of them, on downbeats where that fits the bars. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["in_bars", "meter_of", "picked"]

_LONG = 4  # beats: a picture that stays so long stays for whole bars
_HOLE = 1.5  # shots: where bars are much longer than usual, beats in between are taken too


def picked(positions: Sequence[int], count: int) -> list[int]:
    """The indices, from 0 on, of the beats that pictures start on when each stays `count` beats.

    `positions` are places in the bar, 1 at downbeats, 0 where not known. Whole bars are counted from the first downbeat
    on; parts of a bar from each downbeat; what fits no bar from the first downbeat, or from the first beat where there
    is none. Beats before the first downbeat are a shot of their own.
    """
    if not positions:
        return []
    downbeats = [index for index, position in enumerate(positions) if position == 1]
    meter = meter_of(positions)
    count = in_bars(count, meter)
    if meter and count % meter == 0:
        chosen = downbeats[:: count // meter]
    elif meter and meter % count == 0:
        chosen = [index for index, position in enumerate(positions) if position and (position - 1) % count == 0]
    else:
        chosen = list(range(downbeats[0] if downbeats else 0, len(positions), count))
    return _without_holes(sorted({0, *chosen}), len(positions), count)


def in_bars(count: int, meter: int) -> int:
    """The beats of the nearest whole number of bars, for counts from four on; a smaller one, or one that divides the
    bar, stays as it is.
    """
    if not meter or count < _LONG or meter % count == 0:
        return count
    return max(1, round(count / meter)) * meter


def meter_of(positions: Sequence[int]) -> int:
    """How many beats most bars have; 0 where bars are not known."""
    downbeats = [index for index, position in enumerate(positions) if position == 1]
    if len(downbeats) > 1:
        return statistics.mode(b - a for a, b in pairwise(downbeats))
    return max(positions) if downbeats else 0


def _without_holes(chosen: list[int], total: int, count: int) -> list[int]:
    filled = []
    for index, following in zip(chosen, [*chosen[1:], total]):
        filled.append(index)
        if following - index > _HOLE * count:
            filled += [at for at in range(index + count, following, count) if 2 * (following - at) >= count]
    return filled
