"""Where a beat is heard, and where none is, in whole frames. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from qmv.artifacts import Beats
from qmv.media.timebase import frame_at, frame_count

__all__ = ["Mark", "Pulse"]

_GAP = 2.5  # median beats without a beat: the pulse has stopped


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A beat's frame, its index and its place in the bar."""

    frame: int
    beat: int
    position: int


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """A song's beats by frame, at most one a frame and none past the end; `runs` of two and more have no stop."""

    marks: tuple[Mark, ...]
    runs: tuple[tuple[Mark, ...], ...]
    gap: float  # frames from beat to beat, the median; 0 with less than two beats
    frames: int
    fps: Fraction

    @classmethod
    def of(cls, beats: Beats, fps: Fraction) -> Pulse:
        frames = frame_count(beats.duration_s, fps)
        found: dict[int, Mark] = {}
        for index, (time_s, position) in enumerate(zip(beats.times_s, beats.bar_position)):
            frame = frame_at(time_s, fps)
            if 0 <= frame < frames:
                found.setdefault(frame, Mark(frame=frame, beat=index, position=position))
        marks = tuple(found[frame] for frame in sorted(found))
        gap = float(statistics.median(b.frame - a.frame for a, b in pairwise(marks))) if len(marks) > 1 else 0.0
        return cls(marks=marks, runs=_runs(marks, _GAP * gap), gap=gap, frames=frames, fps=fps)

    def nearest(self, frame: int) -> int:
        """The frame of the nearest beat where it is less than half a beat away, else the frame itself."""
        beat = min((mark.frame for mark in self.marks), key=lambda at: abs(at - frame), default=frame)
        return beat if abs(beat - frame) <= self.gap / 2 else frame

    def heard_until(self, frame: int) -> float:
        """When the run of beats that a frame lies in would have its next beat; the frame itself outside of runs."""
        own = [run for run in self.runs if run[0].frame <= frame <= run[-1].frame + _GAP * self.gap]
        return own[-1][-1].frame + self.gap if own else float(frame)

    def stops(self, start: float, end: int) -> bool:
        """Whether `end` comes too long after the last beat for a next one to be late only."""
        return end - start > (_GAP - 1) * self.gap

    def heard_between(self, start: int, end: int) -> bool:
        return any(start < mark.frame < end for run in self.runs for mark in run)


def _runs(marks: tuple[Mark, ...], longest_gap: float) -> tuple[tuple[Mark, ...], ...]:
    runs: list[list[Mark]] = []
    for mark in marks:
        if runs and mark.frame - runs[-1][-1].frame <= longest_gap:
            runs[-1].append(mark)
        else:
            runs.append([mark])
    return tuple(tuple(run) for run in runs if len(run) > 1)
