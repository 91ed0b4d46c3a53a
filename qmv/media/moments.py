"""Where in the music each frame is, for effects."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from qmv.artifacts import Beats
from qmv.media.timebase import frame_at

__all__ = ["Moment", "blanked", "moments"]

_BLANK: dict[str, Any] = {"frame": 0, "time_s": 0.0, "beat_phase": None, "bar_phase": None, "energy": 0.5}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where in the music a frame is. `beat_phase` and `bar_phase` in 0..1, None away from beats; `energy` in 0..1."""

    frame: int
    time_s: float
    beat_phase: float | None
    bar_phase: float | None
    energy: float


def moments(beats: Beats, fps: Fraction, first: int, count: int) -> tuple[Moment, ...]:
    """The moments of frames first .. first + count; phases run from 0, on a beat's own frame, towards 1 at the next."""
    beat_frames = [frame_at(time, fps) for time in beats.times_s]
    bar_frames = [frame for frame, position in zip(beat_frames, beats.bar_position) if position == 1]
    return tuple(
        Moment(
            frame=frame,
            time_s=round(float(frame / fps), 6),
            beat_phase=_phase(beat_frames, frame),
            bar_phase=_phase(bar_frames, frame),
            energy=_energy(beats, float(frame / fps)),
        )
        for frame in range(first, first + count)
    )


def blanked(moments: Sequence[Moment], reads: Collection[str]) -> tuple[Moment, ...]:
    """The moments with nothing but these fields told: what nobody reads must change no key."""
    fields = Moment.__dataclass_fields__
    return tuple(
        Moment(**{name: getattr(m, name) if name in reads else _BLANK[name] for name in fields}) for m in moments
    )


def _phase(starts: list[int], frame: int) -> float | None:
    """How far a frame is between two starts; the last one is taken to last as long as the one before."""
    after = bisect.bisect_right(starts, frame)
    if after == 0 or len(starts) < 2:
        return None
    start = starts[after - 1]
    length = starts[after] - start if after < len(starts) else start - starts[after - 2]
    phase = (frame - start) / max(1, length)
    return round(phase, 6) if phase < 1 else None


def _energy(beats: Beats, time_s: float) -> float:
    """Along the song's energy curve; its section's, or a middling one, where there is no curve."""
    if beats.energy:
        step, last = time_s / beats.energy_step_s, len(beats.energy) - 1
        before = min(int(step), last)
        low, high = beats.energy[before], beats.energy[min(before + 1, last)]
        return round(low + (high - low) * min(step - before, 1.0), 6)
    return next((s.energy for s in beats.sections if s.start_s <= time_s < s.end_s), 0.5)
