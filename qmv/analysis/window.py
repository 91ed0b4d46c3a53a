"""The most energetic window of a song, on its bar lines. Pure."""

from __future__ import annotations

import bisect
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from qmv.artifacts import Beats
from qmv.media.samples import let_go

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Window", "asked_s", "best_window", "loudness"]


@dataclass(frozen=True, kw_only=True)
class Window:
    """A part of the song in seconds of the file; `lines` says what it begins and ends on: bars, beats or seconds."""

    start_s: float
    end_s: float
    lines: str


def asked_s(text: str) -> float | None:
    """How long 'best 30' asks for, in seconds; None for anything else."""
    match = re.fullmatch(r"best\s+(\d+(?:\.\d+)?)", text.strip(), re.ASCII)
    return float(match[1]) if match and float(match[1]) > 0 else None


def best_window(beats: Beats, length_s: float, energy: Sequence[float], energy_step_s: float) -> Window:
    """The window of about `length_s` with the most energy; the earliest of several.

    It begins and ends on downbeats and is at most half a bar longer or shorter than asked, a bar where the song has no
    more; on beats where bars are not known or leave no such window; else at the steps of the energy, and exactly as
    long as asked.
    """
    duration_s = float(beats.duration_s)
    downbeats = [time_s for time_s, position in zip(beats.times_s, beats.bar_position) if position == 1]
    for name, lines in (("bars", downbeats), ("beats", list(beats.times_s))):
        if spans := _spans(lines, length_s):
            return _loudest(spans, energy, energy_step_s, name)
    latest_s = max(0.0, duration_s - length_s)
    starts = [step * energy_step_s for step in range(math.floor(latest_s / energy_step_s) + 1)] + [latest_s]
    spans = [(start_s, min(duration_s, start_s + length_s)) for start_s in starts]
    return _loudest(spans, energy, energy_step_s, "seconds")


def loudness(samples: npt.NDArray[np.float32], rate_hz: int, step_s: float) -> tuple[float, ...]:
    """The root mean square of each step, for beats that come without energy."""
    import numpy as np

    size = max(1, round(rate_hz * step_s))
    steps = []
    for at in range(0, len(samples), size):
        steps.append(float(np.sqrt(np.mean(np.square(samples[at : at + size])))))
        let_go(samples)
    return tuple(steps)


def _spans(lines: list[float], length_s: float) -> list[tuple[float, float]]:
    """From each line to the one that comes next to the asked length."""
    if len(lines) < 2:
        return []
    bar_s = statistics.median(b - a for a, b in pairwise(lines))
    spans = []
    for index, start_s in enumerate(lines[:-1]):
        right = bisect.bisect_left(lines, start_s + length_s, index + 1)
        ends = lines[max(index + 1, right - 1) : right + 1]
        spans.append((start_s, min(ends, key=lambda end_s: abs(end_s - start_s - length_s))))
    off_s = [abs(end_s - start_s - length_s) for start_s, end_s in spans]
    # half a bar is what lines in the middle of a song can need; only a song with no more lines goes to a whole one
    most_s = bar_s / 2 + 0.001 if min(off_s) <= bar_s / 2 + 0.001 else bar_s
    return [span for span, off in zip(spans, off_s) if off <= most_s]


def _loudest(spans: list[tuple[float, float]], energy: Sequence[float], step_s: float, lines: str) -> Window:
    sums = [0.0, *accumulate(energy)]

    def total(time_s: float) -> float:
        whole = min(int(time_s / step_s), len(energy))
        rest = (time_s / step_s - whole) * energy[whole] if whole < len(energy) else 0.0
        return sums[whole] + rest

    def mean(span: tuple[float, float]) -> float:
        return round((total(span[1]) - total(span[0])) * step_s / (span[1] - span[0]), 9)

    start_s, end_s = max(spans, key=mean)
    return Window(start_s=round(start_s, 6), end_s=round(end_s, 6), lines=lines)
