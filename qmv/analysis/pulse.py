"""The pulse of a song: at which of its tempi a listener taps, and in which stretches there is one at all.

May be imported from stages and plugins.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

from qmv.analysis.bar_pointer import FRAMES_HZ, Path, follow
from qmv.analysis.meters import METERS, TRIPLE, WAYS, accents, expected_fit, standardised
from qmv.analysis.onsets import RATE_HZ, Onsets
from qmv.artifacts import Stretch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Pulse", "pulse", "stretches"]

_SPREAD_OCTAVES = 0.5  # of the tempi that people tap (van Noorden & Moelants 1999)
_CUSTOM = 1.0  # how much the usual tempo counts, per second of music, beside what is heard
_NEAR = 2  # onset frames that an onset may lie from its place
_MEMORY_S = 8.0  # over which a pulse is felt
_FELT = 0.5  # of what is expected of a beat; noise comes to 0, and steady music to 1 and more
_SHORTEST_S = 6.0  # what is shorter belongs to the stretch around it


class Pulse(NamedTuple):
    """The times of beats [n], and how much of what is expected of it each one has: 0 as by chance, 1 all, more where
    the accents are strong. `compound`: beats are divided by three.
    """

    times_s: Floats
    fit: Floats
    compound: bool


def pulse(onsets: Onsets, slowest_bpm: float, fastest_bpm: float, usual_bpm: float) -> Pulse:
    """The beats at the level that fits best.

    Half and double the tempo are searched apart, an octave at a time, so that the way through a song keeps to its
    level; then what is heard and the tempo that people usually tap decide between them.
    """
    import numpy as np
    from scipy.ndimage import maximum_filter1d

    every = RATE_HZ // FRAMES_HZ
    strength = maximum_filter1d(onsets.strength, 2 * _NEAR + 1, axis=0)[::every]
    strength = np.minimum(strength, 1)  # that a beat is loud is enough; which is loudest is asked of bars only
    harmony = maximum_filter1d(onsets.harmony, 5 * _NEAR + 1)[::every]
    heard = accents(standardised(np.column_stack([strength, harmony])))
    seconds = len(strength) / FRAMES_HZ
    paths = [follow(heard, METERS, low, high) for low, high in _octaves(slowest_bpm, fastest_bpm)]
    best = max(paths, key=lambda path: path.score / seconds - _unusual(path, usual_bpm))
    return Pulse(times_s=best.times_s, fit=_beat_fit(best), compound=_compound(heard, best))


def _octaves(slowest_bpm: float, fastest_bpm: float) -> list[tuple[float, float]]:
    """Ranges of an octave, half an octave apart."""
    count = max(1, math.ceil(2 * math.log2(fastest_bpm / slowest_bpm) - 1e-9) - 1)
    lows = [slowest_bpm * 2 ** (number / 2) for number in range(count)]
    return [(low, min(2 * low, fastest_bpm)) for low in lows]


def _unusual(path: Path, usual_bpm: float) -> float:
    import numpy as np

    if len(path.frames) < 2:
        return 0.0
    tempo_bpm = 60 * FRAMES_HZ / float(np.median(np.diff(path.frames)))
    return _CUSTOM * (math.log2(tempo_bpm / usual_bpm) / _SPREAD_OCTAVES) ** 2 / 2


def _beat_fit(path: Path) -> Floats:
    import numpy as np

    expected = {meter: expected_fit(meter) for meter in METERS}
    return np.array([fit / expected[meter] for fit, (meter, _) in zip(path.fit, path.places)])


def _compound(heard: Mapping[str, npt.NDArray[np.float32]], path: Path) -> bool:
    """Whether over the whole song thirds of beats fit better than halves, straight or swung."""
    import numpy as np

    last = len(next(iter(heard.values()))) - 1
    fits = dict.fromkeys(WAYS, 0.0)
    for way in WAYS:
        for start, end in itertools.pairwise(path.frames.tolist()):
            moments = way.moments(end - start, 0)
            fits[way] += way.cost + sum(float(heard[accent][min(start + at, last)]) for accent, at in moments)
    return bool(np.argmax(list(fits.values())) == WAYS.index(TRIPLE))


def stretches(times_s: Floats, fit: Floats, duration_s: float) -> tuple[Stretch, ...]:
    """The song in stretches with and without a pulse, by how its beats fit over some seconds."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d

    if len(times_s) < 4:
        return (Stretch(start_s=0.0, end_s=duration_s, tempo_bpm=0.0, confidence=0.0),)
    step_s = 0.1
    moments = np.arange(0, duration_s + step_s, step_s)
    size = max(1, min(round(_MEMORY_S / step_s), len(moments)))
    felt = uniform_filter1d(np.interp(moments, times_s, fit), size, mode="nearest")
    marks = _bridged(felt >= _FELT, round(_SHORTEST_S / step_s))
    edges = [0, *(np.flatnonzero(np.diff(marks)) + 1).tolist(), len(marks)]
    found = []
    for first, last in itertools.pairwise(edges):
        start_s = round(first * step_s, 3)
        end_s = duration_s if last == len(marks) else round(last * step_s, 3)
        inside = (times_s >= start_s) & (times_s < end_s)
        beats = times_s[inside]
        pulsing = bool(marks[first]) and len(beats) > 1
        found.append(
            Stretch(
                start_s=start_s,
                end_s=end_s,
                tempo_bpm=round(60 / float(np.median(np.diff(beats))), 3) if pulsing else 0.0,
                confidence=round(_confidence(float(np.mean(fit[inside]))), 3) if pulsing else 0.0,
            )
        )
    return tuple(found)


def _confidence(fit: float) -> float:
    """A half where 0.7 of what is expected is heard, 0.86 at twice of it."""
    return 1 - math.exp(-max(0.0, fit))


def _bridged(marks: npt.NDArray[np.bool_], shortest: int) -> npt.NDArray[np.bool_]:
    """The marks without runs that are shorter than `shortest`, the shortest one first."""
    import numpy as np

    marks = marks.copy()
    while True:
        edges = np.concatenate([[0], np.flatnonzero(np.diff(marks)) + 1, [len(marks)]])
        lengths = np.diff(edges)
        if len(lengths) < 2 or lengths.min() >= shortest:
            return marks
        run = int(lengths.argmin())
        marks[edges[run] : edges[run + 1]] ^= True
