"""Where in the music each frame is, for effects."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from fractions import Fraction

from qmv.artifacts import Beats

__all__ = ["Moment", "moments"]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where in the music a frame is. `beat_phase` and `bar_phase` in 0..1, None away from beats; `energy` in 0..1."""

    frame: int
    time_s: float
    beat_phase: float | None
    bar_phase: float | None
    energy: float


def moments(beats: Beats, fps: Fraction, first: int, count: int) -> tuple[Moment, ...]:
    """The moments of frames first .. first + count; phases run from 0 at a beat (downbeat) towards 1 at the next."""
    downbeats = [time for time, position in zip(beats.times_s, beats.bar_position) if position == 1]
    found = []
    for frame in range(first, first + count):
        # the middle of the frame would be late by half a frame on the beat's own frame, which must have phase 0
        time_s = float(frame / fps)
        slack_s = float(Fraction(1, 2) / fps)
        found.append(
            Moment(
                frame=frame,
                time_s=round(time_s, 6),
                beat_phase=_phase(beats.times_s, time_s, slack_s),
                bar_phase=_phase(downbeats, time_s, slack_s),
                energy=_energy(beats, time_s),
            )
        )
    return tuple(found)


def _phase(times: list[float] | tuple[float, ...], time_s: float, slack_s: float) -> float | None:
    after = bisect.bisect_right(times, time_s + slack_s)
    if after == 0 or after == len(times):
        return None
    start, end = times[after - 1], times[after]
    return round(min(1.0, max(0.0, (time_s - start) / (end - start))), 6)


def _energy(beats: Beats, time_s: float) -> float:
    return next((s.energy for s in beats.sections if s.start_s <= time_s < s.end_s), 0.5)
