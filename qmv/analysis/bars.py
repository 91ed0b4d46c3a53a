"""Places in the bar for beats: from a meter and a downbeat, or counted on where only some are known.

Pure functions. A meter such as '6/8' says how many beats a bar has only together with the tempo (`beats_a_bar`).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["bar_counts", "bar_length", "beats_a_bar", "completed", "numbered", "parse_meter", "rotated"]

_QUICK_BPM = 150.0  # above it, beats of a 6/8 are its eighths, below it its dotted quarters
_BREAK = 2.5  # a gap of so many beats is a break in the pulse, and bars go on through it


def parse_meter(text: str) -> tuple[int, int] | None:
    """'6/8' as (6, 8); None for what is no meter of 1 to 16 beats."""
    match = re.fullmatch(r"(\d{1,2})/(1|2|4|8|16)", text, re.ASCII)
    return (int(match[1]), int(match[2])) if match and 1 <= int(match[1]) <= 16 else None


def bar_counts(meter: str) -> tuple[int, ...]:
    """How many beats a bar can have that is written so: 4/4 has 4; 6/8 has 2 dotted quarters or 6 eighths."""
    beats, unit = parse_meter(meter) or (4, 4)
    compound = unit >= 8 and beats % 3 == 0 and beats > 3
    return (beats // 3, beats) if compound else (beats,)


def beats_a_bar(meter: str, tempo_bpm: float) -> int:
    """How many beats a bar has at this tempo: a listener to a 6/8 taps its dotted quarters unless it is slow."""
    counts = bar_counts(meter)
    return counts[-1] if tempo_bpm > _QUICK_BPM else counts[0]


def bar_length(positions: Sequence[int]) -> int:
    """Beats from a 1 to the next 1 in most bars; 0 where there are no two."""
    ones = [index for index, position in enumerate(positions) if position == 1]
    return statistics.mode(b - a for a, b in pairwise(ones)) if len(ones) > 1 else 0


def rotated(positions: Sequence[int], count: int, anchor: int) -> tuple[int, ...]:
    """The same bars of `count` beats, moved by whole beats so that the beat `anchor` is a 1."""
    shift = positions[anchor] - 1
    return tuple((position - 1 - shift) % count + 1 for position in positions)


def numbered(times_s: Sequence[float], count: int, anchor: int) -> tuple[int, ...]:
    """Places in bars of `count` beats, where the beat `anchor` is a 1; a break counts as the beats that fit in it."""
    total, totals = 0, [0]
    gaps = [b - a for a, b in pairwise(times_s)]
    for index, gap in enumerate(gaps):
        period_s = statistics.median(gaps[max(0, index - 4) : index + 5])
        total += round(gap / period_s) if gap > _BREAK * period_s else 1
        totals.append(total)
    return tuple((each - totals[anchor]) % count + 1 for each in totals)


def completed(positions: Sequence[int]) -> tuple[int, ...]:
    """Where a file marks only some beats of its bars, the others counted from them; as given without two 1s."""
    count = bar_length(positions)
    if not count or all(positions):
        return tuple(positions)
    found = list(positions)
    for index in range(1, len(found)):
        if not found[index] and found[index - 1]:
            found[index] = found[index - 1] % count + 1
    for index in range(len(found) - 2, -1, -1):
        if not found[index] and found[index + 1]:
            found[index] = (found[index + 1] - 2) % count + 1
    return tuple(found)
