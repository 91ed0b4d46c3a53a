"""Beats from someone's taps: a smooth pulse through them, and each beat on the sound that was meant. Pure.

A hand scatters by 20 to 40 ms and is late or early by a constant, with the player's delay on top. Double taps go,
missed ones are filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Tapped", "beats_of_taps", "latency_s", "single", "smoothed", "snapped"]

_DOUBLE_S = 0.1  # 600 beats a minute: no one taps it, but keys repeat and bounce
_FOLLOWS = 0.4  # how much of a tap's deviation the pulse takes over
_PAUSE = 8.5  # beats: whoever was silent for longer has stopped, and starts anew
_REACH, _TAPS = 6, 14  # a beat is fitted through so many beats to each side, and at least so many taps
_SNAP_S = 0.06
_NARROW_S = 0.025
_LATEST_S = 0.4
_USUAL_S, _SPREAD_S = 0.04, 0.15  # a hand is early by 30 ms, a player late by up to 150; half a beat is unlikely


@dataclass(frozen=True, kw_only=True)
class Tapped:
    """Beats, how late the taps were, how many beats lie on an attack, and how many no one tapped."""

    times_s: tuple[float, ...]
    latency_s: float
    on_attacks: int
    filled: int


def beats_of_taps(taps_s: Sequence[float], at_s: Floats, strength: Floats, known_s: float | None = None) -> Tapped:
    """The beats meant by taps, with attacks at `at_s`; `known_s` is how late the taps are, where that is known."""
    runs = [smoothed(run) for run in _runs(single(taps_s))]
    pulse = [time_s for run in runs for time_s in run]
    late_s = latency_s(pulse, at_s, strength) if known_s is None else known_s
    pulse = [time_s - late_s for time_s in pulse]
    times_s = snapped(pulse, at_s, strength)
    moved = sum(a != b for a, b in zip(times_s, pulse))
    return Tapped(
        times_s=tuple(times_s), latency_s=late_s, on_attacks=moved, filled=max(0, len(pulse) - len(single(taps_s)))
    )


def single(taps_s: Sequence[float]) -> list[float]:
    """The taps in order, without those that a bouncing or repeating key adds."""
    kept: list[float] = []
    for tap in sorted(taps_s):
        if not kept or tap - kept[-1] >= _DOUBLE_S:
            kept.append(tap)
    return kept


def smoothed(taps_s: Sequence[float]) -> list[float]:
    """An even pulse through taps that follows their drift: a beat at each whole number from the first to the last.

    Robust local regression (Cleveland 1979) of time on number, so that single bad taps move nothing.
    """
    import numpy as np

    if len(taps_s) < 4:
        return list(taps_s)
    numbers, times = _numbered(taps_s)
    return [_fitted(numbers, times, number) for number in np.arange(numbers[-1] + 1)]


def latency_s(pulse_s: Sequence[float], at_s: Floats, strength: Floats) -> float:
    """How late a pulse is to the attacks that fit it best, at most 0.4 s, and negative where it is early.

    Attacks half a beat away often fit as well, so what is usual of hands and players counts too.
    """
    import numpy as np

    if len(pulse_s) < 4 or not len(at_s):
        return 0.0
    pulse = np.asarray(pulse_s)
    period_s = float(np.median(np.diff(pulse)))
    lags = np.arange(-0.1, min(_LATEST_S, 0.75 * period_s), _NARROW_S / 5)
    likely = np.exp(-(((lags - _USUAL_S) / _SPREAD_S) ** 2) / 2)
    scores = [_fit(pulse - lag, at_s, strength) for lag in lags] * likely
    best = float(lags[int(np.argmax(scores))])
    away = _away(pulse - best, at_s)
    near = away[np.abs(away) <= _SNAP_S]
    return best + float(np.median(near)) if len(near) else 0.0


def snapped(pulse_s: Sequence[float], at_s: Floats, strength: Floats) -> list[float]:
    """Each beat on the clearest attack within 60 ms (less where beats are that near), or where it was."""
    import numpy as np

    reach_s = min([_SNAP_S, *(0.2 * (b - a) for a, b in pairwise(pulse_s))])
    found = []
    for beat in pulse_s:
        first, last = np.searchsorted(at_s, [beat - reach_s, beat + reach_s])
        near = at_s[first:last]
        if len(near):
            clear = strength[first:last] * np.exp(-(((near - beat) / _NARROW_S) ** 2) / 2)
            beat = float(near[int(np.argmax(clear))])
        found.append(beat)
    return found


# -- inside ----------------------------------------------------------------------------------------------------------


def _runs(taps_s: list[float]) -> list[list[float]]:
    """The taps from pause to pause."""
    import numpy as np

    if len(taps_s) < 3:
        return [taps_s] if taps_s else []
    usual_s = float(np.median(np.diff(taps_s)))
    runs = [[taps_s[0]]]
    for a, b in pairwise(taps_s):
        if b - a > _PAUSE * usual_s:
            runs.append([])
        runs[-1].append(b)
    return runs


def _numbered(taps_s: Sequence[float]) -> tuple[Floats, Floats]:
    """Which beat each tap is, from 0; taps between beats are left out, missed ones counted.

    A tap is compared with where the pulse so far expects it, which scatters less than the tap before.
    """
    import numpy as np

    gaps = np.diff(taps_s)
    numbers, times, expected_s = [0], [taps_s[0]], taps_s[0]
    for index, tap in enumerate(taps_s[1:]):
        period_s = float(np.median(gaps[max(0, index - 4) : index + 5]))
        step = round((tap - expected_s) / period_s)
        if step > 0:
            expected_s += step * period_s
            expected_s += _FOLLOWS * (tap - expected_s)
            numbers.append(numbers[-1] + step)
            times.append(tap)
    return np.asarray(numbers, np.float64), np.asarray(times, np.float64)


def _fitted(numbers: Floats, times: Floats, at: float) -> float:
    """The line through the taps around a beat, at that beat."""
    import numpy as np

    away = np.abs(numbers - at)
    reach = max(_REACH + 1.0, float(np.sort(away)[min(_TAPS, len(away)) - 1]) + 1)
    near = away < reach
    x, y = numbers[near] - at, times[near]
    distance = (1 - (away[near] / reach) ** 3) ** 3
    weight, line = distance, np.zeros(2)
    for _ in range(4):
        root = np.sqrt(weight)
        line = np.linalg.lstsq(np.stack([root, root * x], axis=1), root * y, rcond=None)[0]
        left = np.abs(y - line[0] - line[1] * x)
        scale = max(6 * float(np.median(left)), 1e-4)
        weight = distance * np.clip(1 - (left / scale) ** 2, 0, None) ** 2 + 1e-9
    return float(line[0])


def _fit(pulse: Floats, at_s: Floats, strength: Floats) -> float:
    """How much attack lies on a pulse."""
    import numpy as np

    nearest = _nearest(pulse, at_s)
    return float((np.minimum(strength[nearest], 2) * np.exp(-(((at_s[nearest] - pulse) / _NARROW_S) ** 2) / 2)).sum())


def _away(pulse: Floats, at_s: Floats) -> Floats:
    return pulse - at_s[_nearest(pulse, at_s)]


def _nearest(pulse: Floats, at_s: Floats) -> npt.NDArray[np.int64]:
    import numpy as np

    right = np.clip(np.searchsorted(at_s, pulse), 1, max(1, len(at_s) - 1))
    left = right - 1
    right = np.minimum(right, len(at_s) - 1)
    return np.where(np.abs(at_s[left] - pulse) <= np.abs(at_s[right] - pulse), left, right)
