"""The beats of a window, cut out of the beats of the whole song. Pure."""

from __future__ import annotations

import dataclasses
import math
import statistics
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

from qmv.artifacts import Beats, Section, Stretch

__all__ = ["cropped"]

Span = TypeVar("Span", Section, Stretch)


def cropped(beats: Beats, start_s: float, end_s: float | Fraction) -> Beats:
    """What lies from `start_s` up to, not including, `end_s`, in seconds from `start_s`; places in the bar stay.

    `duration_s` becomes end_s - start_s, exactly.
    """
    if start_s <= 0 and end_s >= beats.duration_s:
        return beats
    end_s = Fraction(end_s)
    # a beat that a window was made to start on must not fall out by a rounding
    kept = [
        index for index, time_s in enumerate(beats.times_s) if start_s - 1e-6 <= time_s < end_s - Fraction(1, 10**6)
    ]
    times_s = tuple(max(0.0, round(beats.times_s[index] - start_s, 6)) for index in kept)
    tempi_bpm = tuple(beats.tempi_bpm[index] for index in kept) if beats.tempi_bpm else ()
    duration_s = max(end_s - Fraction(start_s), Fraction(0))
    return dataclasses.replace(
        beats,
        times_s=times_s,
        bar_position=tuple(beats.bar_position[index] for index in kept),
        tempo_bpm=_tempo_bpm(beats, times_s),
        tempi_bpm=tempi_bpm,
        duration_s=duration_s,
        stretches=_spans(beats.stretches, start_s, float(duration_s)),
        sections=_spans(beats.sections, start_s, float(duration_s)),
        energy=_energy(beats, start_s, float(duration_s)),
    )


def _tempo_bpm(beats: Beats, times_s: tuple[float, ...]) -> float:
    if len(times_s) < 2:
        return 0.0
    if len(times_s) == len(beats.times_s):
        return beats.tempo_bpm
    return round(60 / statistics.median(b - a for a, b in pairwise(times_s)), 3)


def _spans(spans: tuple[Span, ...], start_s: float, duration_s: float) -> tuple[Span, ...]:
    found = []
    for span in spans:
        first, last = max(0.0, round(span.start_s - start_s, 6)), min(duration_s, round(span.end_s - start_s, 6))
        if last > first:
            found.append(dataclasses.replace(span, start_s=first, end_s=last))
    if found:  # they cover the window to its very end
        found[-1] = dataclasses.replace(found[-1], end_s=duration_s)
    return tuple(found)


def _energy(beats: Beats, start_s: float, duration_s: float) -> tuple[float, ...]:
    """The energy in the middle of each step of the window."""
    if not beats.energy:
        return ()
    step_s, last = beats.energy_step_s, len(beats.energy) - 1
    steps = max(1, math.ceil(duration_s / step_s - 1e-9))
    return tuple(beats.energy[min(last, int(start_s / step_s + step + 0.5))] for step in range(steps))
