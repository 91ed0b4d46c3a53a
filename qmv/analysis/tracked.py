"""What a tracker gives, made sure of: plain values in order, within the song. Pure.

Trackers are other people's code, and a beat that is no number would be found out by a stage far behind.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from numbers import Integral, Real
from typing import TypeVar

from qmv.analysis.beat_files import MOST_IN_A_BAR
from qmv.artifacts import Beats, Section, Stretch

__all__ = ["TrackerFault", "checked"]

Span = TypeVar("Span", Section, Stretch)

_BEYOND_S = 1.0  # a beat that is rounded up to just after the end is left out; farther away is another unit or song


class TrackerFault(ValueError):
    """What is wrong, in words that follow 'track()'."""


def checked(beats: object, duration_s: Fraction) -> Beats:
    """The beats of a tracker in plain numbers, without those just outside of the song; raises TrackerFault for what a
    tracker must not give.
    """
    if not isinstance(beats, Beats):
        raise TrackerFault(f"must give Beats, got {beats!r:.80}")
    times_s = _numbers("times_s", beats.times_s)
    positions = _positions(beats.bar_position)
    tempi_bpm = _numbers("tempi_bpm", beats.tempi_bpm)
    _check_times(times_s, float(duration_s))
    if len(positions) != len(times_s) or len(tempi_bpm) not in (0, len(times_s)):
        raise TrackerFault(
            f"must give each beat a bar position, and a tempo or none at all, got {len(times_s)} beats, "
            f"{len(positions)} positions and {len(tempi_bpm)} tempi"
        )
    kept = [index for index, time_s in enumerate(times_s) if 0 <= time_s < duration_s]
    tempo_bpm, confidence, step_s = _numbers(
        "tempo_bpm, confidence, energy_step_s", (beats.tempo_bpm, beats.confidence, beats.energy_step_s)
    )
    energy = _numbers("energy", beats.energy)
    _check_range("tempo_bpm", (tempo_bpm, *tempi_bpm), math.inf)
    _check_range("confidence", (confidence,), 1.0)
    _check_range("energy", energy, 1.0)
    if step_s <= 0:
        raise TrackerFault(f"must give an energy_step_s above 0, got {step_s:g}")
    return dataclasses.replace(
        beats,
        times_s=tuple(times_s[index] for index in kept),
        bar_position=tuple(positions[index] for index in kept),
        tempi_bpm=tuple(tempi_bpm[index] for index in kept) if tempi_bpm else (),
        tempo_bpm=tempo_bpm,
        confidence=confidence,
        energy_step_s=step_s,
        duration_s=duration_s,
        energy=energy,
        stretches=_spans("stretches", beats.stretches, Stretch, float(duration_s)),
        sections=_spans("sections", beats.sections, Section, float(duration_s)),
        meter=str(beats.meter or ""),
        notes=_words(beats.notes),
    )


def _check_times(times_s: tuple[float, ...], duration_s: float) -> None:
    for a, b in pairwise(times_s):
        if a >= b:
            raise TrackerFault(f"must give beats in order, each once, got {b:g} s after {a:g} s")
    for time_s in times_s:
        if not -_BEYOND_S <= time_s <= duration_s + _BEYOND_S:
            raise TrackerFault(f"must give beats within the song, which is {duration_s:.3f} s long, got {time_s:g} s")


def _check_range(name: str, values: Iterable[float], most: float) -> None:
    for value in values:
        if not 0 <= value <= most:
            raise TrackerFault(f"must give {name} as numbers of 0 {'to 1' if most == 1 else 'or more'}, got {value:g}")


def _numbers(name: str, values: object) -> tuple[float, ...]:
    return tuple(_number(name, value) for value in _items(name, values))


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise TrackerFault(f"must give numbers as {name}, got {value!r:.80}")
    return float(value)


def _positions(values: object) -> tuple[int, ...]:
    found = _items("bar_position", values)
    for value in found:
        if not isinstance(value, Integral) or not 0 <= int(value) <= MOST_IN_A_BAR:
            raise TrackerFault(f"must give whole numbers of 0 to {MOST_IN_A_BAR} as bar_position, got {value!r:.80}")
    return tuple(int(value) for value in found if isinstance(value, Integral))


def _spans(name: str, values: object, kind: type[Span], duration_s: float) -> tuple[Span, ...]:
    """In order within the song; plain numbers are kept, whatever kind of number they come as."""
    found, border_s = [], 0.0
    for value in _items(name, values):
        if not isinstance(value, kind):
            raise TrackerFault(f"must give {kind.__name__} values as {name}, got {value!r:.80}")
        told = {key: str(of) if key == "label" else _number(name, of) for key, of in vars(value).items()}
        span = kind(**told)  # type: ignore[arg-type]
        if not border_s <= span.start_s <= span.end_s <= duration_s + _BEYOND_S:
            raise TrackerFault(f"must give {name} in order within the song, got {span.start_s:g} to {span.end_s:g} s")
        found.append(span)
        border_s = span.end_s
    return tuple(found)


def _words(values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in _items("notes", values))


def _items(name: str, values: object) -> tuple[object, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TrackerFault(f"must give a tuple as {name}, got {values!r:.80}")
    return tuple(values)
