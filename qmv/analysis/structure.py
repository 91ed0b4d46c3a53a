"""The sections of a song and how energetic it is: what a storyboard builds on beside the beats.

A bar is the smallest piece that is looked at, so that sections begin where bars do. May be imported from stages and
plugins.
"""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import TYPE_CHECKING

from qmv.analysis.energy import STEP_S, energy_curve
from qmv.analysis.features import HOP_S, Features, features
from qmv.artifacts import Beats, Section

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["bar_edges_s", "described"]

_BEATS_A_BAR = 4  # where bars are not known
_SHORTEST_BAR_S = 1.2  # quicker bars are taken two or more at a time
_UNHEARD_BAR_S = 2.0  # where no beat is heard, music is taken in pieces of 2 s
_MOST_BARS = 1500  # an hour of music; what is longer is looked at in coarser pieces
_PHRASE = 4  # bars over which chords come round again
# how much each side of the sound tells, and the least change (in the feature's own unit) that counts as full
_CHORD, _HARMONY, _TIMBRE, _LOUDNESS, _LIVELINESS = (0.5, 0.15), (0.5, 0.1), (1.0, 0.6), (0.8, 3.0), (0.5, 0.3)
_QUIET_DB = 24.0  # below the loudest bar: softer than that makes no more difference
_GONE_DB = 36.0  # below the loudest bar: what rings on so softly has no harmony or timbre to tell of


def described(samples: npt.NDArray[np.float32], rate_hz: int, beats: Beats) -> Beats:
    """The beats with `energy` and `sections` of the mono signal [n] that they were found in.

    Sections cover the song from 0 to its end and begin on downbeats, or on beats where bars are not known, or on a grid
    of 2 s where no beats are; neighbours have different labels, 'A' is the first one. What is there already is kept.
    """
    if beats.energy and beats.sections:
        return beats
    duration_s = len(samples) / rate_hz
    heard = features(samples, rate_hz)
    curve = energy_curve(heard, math.floor(duration_s / STEP_S) + 1)
    if not beats.energy:
        energy = tuple(round(float(value), 4) for value in curve)
        beats = dataclasses.replace(beats, energy=energy, energy_step_s=STEP_S)
    if not beats.sections:
        beats = dataclasses.replace(beats, sections=_sections(heard, curve, bar_edges_s(beats, duration_s)))
    return beats


def _sections(heard: Features, curve: Floats, edges_s: list[float]) -> tuple[Section, ...]:
    from qmv.analysis.segments import boundaries, labels, likeness

    alike = likeness(_sound_of_bars(heard, edges_s))
    starts = boundaries(alike, edges_s)
    found: list[tuple[float, str]] = []
    for start, label in zip(starts, labels(alike, starts), strict=False):
        if not found or found[-1][1] != label:
            found.append((edges_s[start], label))
    ends_s = [start_s for start_s, _ in found[1:]] + [edges_s[-1]]
    return tuple(
        Section(start_s=start_s, end_s=end_s, label=label, energy=_mean_energy(curve, start_s, end_s))
        for (start_s, label), end_s in zip(found, ends_s)
    )


def _mean_energy(curve: Floats, start_s: float, end_s: float) -> float:
    first = min(round(start_s / STEP_S), len(curve) - 1)
    return round(float(curve[first : max(first + 1, round(end_s / STEP_S))].mean()), 4)


# -- bars ------------------------------------------------------------------------------------------------------------


def bar_edges_s(beats: Beats, duration_s: float) -> list[float]:
    """Where bars begin, from 0 to the end of the song: at downbeats, at every fourth beat where bars are not known,
    and evenly in between where there are no beats for longer than a bar.
    """
    marks = [time for time, position in zip(beats.times_s, beats.bar_position) if position == 1]
    if len(marks) < 2:
        marks = list(beats.times_s[::_BEATS_A_BAR])
    marks = [float(time) for time in marks if 0 <= time < duration_s]
    usual_s = _median([b - a for a, b in pairwise(marks)]) or _UNHEARD_BAR_S
    together = max(math.ceil(_SHORTEST_BAR_S / usual_s), math.ceil(duration_s / usual_s / _MOST_BARS))
    marks, usual_s = marks[::together], usual_s * together
    if len(marks) < 2 or usual_s > 4 * _UNHEARD_BAR_S:
        marks, usual_s = [], max(_UNHEARD_BAR_S, duration_s / _MOST_BARS)
    return _without_slivers(_filled([0.0, *marks, duration_s], usual_s), usual_s / 2)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def _filled(edges_s: list[float], usual_s: float) -> list[float]:
    """With even edges in gaps that are much longer than a bar."""
    filled = edges_s[:1]
    for start_s, end_s in pairwise(edges_s):
        parts = round((end_s - start_s) / usual_s) if end_s - start_s > 1.75 * usual_s else 1
        filled += [start_s + part * (end_s - start_s) / parts for part in range(1, parts)]
        filled.append(end_s)
    return filled


def _without_slivers(edges_s: list[float], least_s: float) -> list[float]:
    """Without edges that come sooner than that after another one; the first and the last edge stay."""
    kept = edges_s[:1]
    for edge_s in edges_s[1:-1]:
        if edge_s - kept[-1] >= least_s and edges_s[-1] - edge_s >= least_s:
            kept.append(edge_s)
    return [*kept, edges_s[-1]]


# -- the sound of a bar ----------------------------------------------------------------------------------------------


def _sound_of_bars(heard: Features, edges_s: list[float]) -> Floats:
    """[bars, n]: chord, harmony of the phrase, timbre, loudness and liveliness, weighted to be comparable."""
    import numpy as np

    at = np.clip(np.round(np.array(edges_s) / HOP_S).astype(int), 0, len(heard.loudness_db))
    first = np.minimum(at[:-1], len(heard.loudness_db) - 1)
    count = np.maximum(at[1:] - first, 1)[:, None]
    chord = _sums(heard.chroma, first, count) / count
    timbre = _sums(heard.timbre, first, count) / count
    spread = np.sqrt(np.maximum(_sums(np.square(heard.timbre), first, count) / count - np.square(timbre), 0))
    power = _sums(10 ** (heard.loudness_db[:, None] / 10), first, count) / count
    loudness_db = 10 * np.log10(np.maximum(power, 1e-12))
    below_db = loudness_db.max() - loudness_db
    present = np.clip((_GONE_DB - below_db) / (_GONE_DB - _QUIET_DB), 0, 1)
    sides = (chord, _CHORD), (_phrases(chord), _HARMONY), (timbre, _TIMBRE), (spread, _LIVELINESS)
    loudness = _weighted(-np.minimum(below_db, _QUIET_DB), np.ones_like(present), *_LOUDNESS)
    return np.concatenate([loudness, *(_weighted(side, present, *how) for side, how in sides)], axis=1)


def _sums(rows: Floats, first: npt.NDArray[np.int64], count: npt.NDArray[np.int64]) -> Floats:
    import numpy as np

    total = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    return np.asarray(total[np.minimum(first + count[:, 0], len(rows))] - total[first], np.float64)


def _phrases(chord: Floats) -> Floats:
    """The mean chord of the four bars around each bar, so that bars of one progression are alike."""
    import numpy as np

    span = min(_PHRASE, len(chord))
    first = np.clip(np.arange(len(chord)) - span // 2, 0, len(chord) - span)
    return np.asarray(_sums(chord, first, np.full((len(chord), 1), span)) / span, np.float64)


def _weighted(side: Floats, present: Floats, weight: float, least_change: float) -> Floats:
    """Centred, and scaled so that the usual distance from the centre is `weight`; what is not present is the centre."""
    import numpy as np

    away = (side - (side * present).sum(axis=0) / max(1e-9, present.sum())) * present
    usual = np.sqrt(np.square(away).sum(axis=1).mean())
    return np.asarray(away * (weight / max(usual, least_change)), np.float64)
