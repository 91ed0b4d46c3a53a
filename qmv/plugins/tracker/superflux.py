"""Beats and bars from onsets in five bands and the change of harmony, without a neural network."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from qmv.analysis.downbeats import BARS, COMPOUND_BARS, Bar, numbered
from qmv.analysis.onsets import RATE_HZ, Onsets, onsets
from qmv.analysis.pulse import pulse, stretches
from qmv.analysis.timing import on_attacks
from qmv.api import Hints, Tracker, plugin, setting
from qmv.artifacts import Beats, Stretch
from qmv.media.samples import to_read

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Superflux"]

_SHORTEST_S = 2.0  # four beats at 120 a minute: less has no pulse to find
_FAINT = 0.2  # of the loud onsets around: softer ones do not begin or end a song
_LEEWAY_S = 0.1  # of a beat before the first onset and after the last
_CLOSE = 2  # intervals on either side that a beat's tempo is the median of


@plugin
class Superflux(Tracker):
    """Beats on the attack, bars of 2 to 7 beats, changing tempi, and no beats where there is no pulse."""

    name = "superflux"
    version = 2
    libraries = ("numpy", "scipy")
    slowest_bpm: float = setting("slowest tempo to find", default=40.0, unit="beats/min", at_least=20, at_most=200)
    fastest_bpm: float = setting("fastest tempo to find", default=220.0, unit="beats/min", at_least=60, at_most=400)
    usual_bpm: float = setting(
        "tempo to prefer of half and double", default=100.0, unit="beats/min", at_least=30, at_most=300
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.slowest_bpm >= self.fastest_bpm:
            raise ValueError(f"slowest_bpm must be below fastest_bpm ({self.fastest_bpm:g}), got {self.slowest_bpm:g}")

    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        import numpy as np

        samples = to_read(samples)
        duration_s = Fraction(len(samples), rate_hz)
        none = Beats(times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=duration_s)
        heard = onsets(samples, rate_hz)
        if duration_s < _SHORTEST_S or not heard.strength.any():
            return none
        felt = pulse(heard, *(hints.tempo_range_bpm or (self.slowest_bpm, self.fastest_bpm)), self.usual_bpm)
        times_s = on_attacks(samples, rate_hz, felt.times_s)
        parts = stretches(times_s, felt.fit, float(duration_s))
        pulsing = np.array([any(p.tempo_bpm and p.start_s <= time < p.end_s for p in parts) for time in times_s])
        times_s = times_s[pulsing & _sounding(heard, times_s) & (times_s >= 0) & (times_s <= float(duration_s))]
        if len(times_s) < 4:
            return dataclasses.replace(none, stretches=stretches(times_s[:0], times_s[:0], float(duration_s)))
        position, meter = numbered(heard, times_s, _bars(hints.meter, felt.compound))
        tempi = _tempi_bpm(times_s)
        return Beats(
            times_s=tuple(round(float(time), 6) for time in times_s),
            bar_position=tuple(int(place) for place in position),
            tempo_bpm=round(60 / float(np.median(np.diff(times_s))), 3),
            confidence=_confidence(parts),
            duration_s=duration_s,
            meter=hints.meter or meter,
            tempi_bpm=tuple(round(float(tempo), 3) for tempo in tempi),
            stretches=parts,
        )


def _bars(meter: str | None, compound: bool) -> tuple[Bar, ...]:
    """The kinds of bars to choose from; only those of as many beats as the user's meter, where there is one."""
    bars = COMPOUND_BARS if compound else BARS
    if meter is None:
        return bars
    beats, unit = map(int, meter.split("/"))
    wanted = {beats, beats // 3} if unit == 8 and beats % 3 == 0 and beats > 3 else {beats}
    return tuple(bar for bar in bars if len(bar.beats) in wanted) or (
        Bar(meter, ("first", *("weak",) * (beats - 1)), 1.0),
    )


def _sounding(heard: Onsets, times_s: Floats) -> npt.NDArray[np.bool_]:
    """Which beats lie between the song's first and last onset."""
    import numpy as np

    moments = np.flatnonzero(heard.strength.max(axis=1) > _FAINT) / RATE_HZ
    return np.asarray((times_s >= moments[0] - _LEEWAY_S) & (times_s <= moments[-1] + _LEEWAY_S))


def _tempi_bpm(times_s: Floats) -> Floats:
    import numpy as np
    from scipy.ndimage import median_filter

    intervals = np.diff(times_s)
    smooth = median_filter(intervals, 2 * _CLOSE + 1, mode="nearest")
    return np.asarray(60 / np.append(smooth, smooth[-1]))


def _confidence(parts: tuple[Stretch, ...]) -> float:
    """The mean over the stretches with a pulse, by their length."""
    pulsing = [part for part in parts if part.tempo_bpm]
    seconds = sum(part.end_s - part.start_s for part in pulsing)
    return (
        round(sum(part.confidence * (part.end_s - part.start_s) for part in pulsing) / seconds, 3) if seconds else 0.0
    )
