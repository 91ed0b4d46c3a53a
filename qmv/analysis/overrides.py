"""What the user says of a song's beats, put over what is heard. Pure functions of values.

`tracker_hints` is what a tracker is told beforehand, `applied` what is done with its beats, `beats_of` makes beats of
the user's own file, for which no tracker is asked.
"""

from __future__ import annotations

import bisect
import dataclasses
import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from qmv.analysis.bars import bar_counts, bar_length, beats_a_bar, completed, numbered, rotated
from qmv.analysis.beat_files import Marks
from qmv.artifacts import Beats, Hints, Stretch

__all__ = ["BPM_TOLERANCE", "applied", "beats_of", "nearest", "shifted", "tempi_of", "tracker_hints"]

BPM_TOLERANCE = 0.06  # `bpm` is the middle of a range: players drift, and people round


def tracker_hints(hints: Hints) -> Hints:
    """What the tracker is told: a tempo as a narrow range, a downbeat where it is before the beats are shifted."""
    tempo_range = hints.tempo_range_bpm
    if hints.bpm is not None:
        tempo_range = (hints.bpm * (1 - BPM_TOLERANCE), hints.bpm * (1 + BPM_TOLERANCE))
    downbeat_s = None if hints.downbeat_s is None else hints.downbeat_s - hints.offset_s
    return dataclasses.replace(
        hints, tempo_range_bpm=tempo_range, downbeat_s=downbeat_s, offset_s=0.0, beats_file=None
    )  # fmt: skip


def beats_of(marks: Marks, duration_s: Fraction) -> Beats:
    """The beats of the user's file, believed entirely."""
    kept = [(time_s, position) for time_s, position in zip(marks.times_s, marks.bar_position) if time_s < duration_s]
    positions = completed([position for _, position in kept])
    count = bar_length(positions)
    return _regular(tuple(time_s for time_s, _ in kept), positions, duration_s, meter=f"{count}/4" if count else "")


def applied(beats: Beats, hints: Hints) -> Beats:
    """The beats as the user has them: a grid where none were heard, shifted, with bars, and with what to tell."""
    if len(beats.times_s) < 2 and hints.bpm is not None and hints.downbeat_s is not None:
        beats = _grid(hints.bpm, hints.downbeat_s, beats)
    else:
        heard, beats = beats, shifted(beats, hints.offset_s)
        if heard.times_s and not beats.times_s:
            note = f"song.offset_s={hints.offset_s:g} moves all beats out of the song: pictures change on an even grid"
            beats = dataclasses.replace(beats, notes=(*beats.notes, note))
    return _with_bars(_with_tempo_note(beats, hints), hints)


def shifted(beats: Beats, offset_s: float) -> Beats:
    """All beats later by `offset_s`; those that leave the song are dropped."""
    if not offset_s:
        return beats
    end_s = float(beats.duration_s)
    moved = [round(time_s + offset_s, 6) for time_s in beats.times_s]
    kept = [index for index, time_s in enumerate(moved) if 0 <= time_s < end_s]
    # the outer borders stay: stretches cover the song
    inner = [min(max(s.start_s + offset_s, 0.0), end_s) for s in beats.stretches[1:]]
    borders = [0.0, *inner, end_s] if beats.stretches else []
    stretches = [
        dataclasses.replace(stretch, start_s=start_s, end_s=stop_s)
        for stretch, (start_s, stop_s) in zip(beats.stretches, pairwise(borders))
        if stop_s > start_s
    ]
    if not kept:
        stretches = [Stretch(start_s=0.0, end_s=end_s, tempo_bpm=0.0, confidence=0.0)]
    return dataclasses.replace(
        beats,
        times_s=tuple(moved[index] for index in kept),
        bar_position=tuple(beats.bar_position[index] for index in kept),
        tempi_bpm=tuple(beats.tempi_bpm[index] for index in kept) if beats.tempi_bpm else (),
        tempo_bpm=beats.tempo_bpm if kept else 0.0,
        confidence=beats.confidence if kept else 0.0,
        stretches=tuple(stretches),
    )


def tempi_of(times_s: Sequence[float]) -> tuple[float, ...]:
    """The tempo at each beat, from the two gaps beside it, in beats per minute; empty for fewer than two beats."""
    if len(times_s) < 2:
        return ()
    spans = [(max(0, index - 1), min(len(times_s) - 1, index + 1)) for index in range(len(times_s))]
    return tuple(round(60 * (b - a) / (times_s[b] - times_s[a]), 3) for a, b in spans)


def nearest(times_s: Sequence[float], time_s: float) -> int:
    """The index of the time next to another; the earlier one of two that are as near."""
    right = bisect.bisect_left(times_s, time_s)
    return min(range(max(0, right - 1), min(len(times_s), right + 1)), key=lambda index: abs(times_s[index] - time_s))


def _regular(times_s: tuple[float, ...], positions: tuple[int, ...], duration_s: Fraction, *, meter: str = "") -> Beats:
    """Beats that the user vouches for."""
    tempo_bpm = round(60 / statistics.median(b - a for a, b in pairwise(times_s)), 3) if len(times_s) > 1 else 0.0
    whole = Stretch(start_s=0.0, end_s=float(duration_s), tempo_bpm=tempo_bpm, confidence=1.0)
    return Beats(
        times_s=times_s,
        bar_position=positions,
        tempo_bpm=tempo_bpm,
        confidence=1.0,
        duration_s=duration_s,
        meter=meter,
        tempi_bpm=tempi_of(times_s),
        stretches=(whole,) if tempo_bpm else (),
    )


def _grid(bpm: float, downbeat_s: float, silent: Beats) -> Beats:
    """Even beats through a downbeat; it says itself where it is, so nothing shifts it."""
    first = -int(downbeat_s * bpm / 60)
    last = int((float(silent.duration_s) - downbeat_s) * bpm / 60) + 1
    times = (round(downbeat_s + 60 / bpm * beat, 6) for beat in range(first - 1, last + 1))
    times_s = tuple(time_s for time_s in times if 0 <= time_s < silent.duration_s)
    grid = _regular(times_s, (0,) * len(times_s), silent.duration_s)
    note = f"no beat was heard: beats are evenly {60 / bpm:.3f} s apart, as song.bpm and song.downbeat_s say"
    return dataclasses.replace(
        grid, sections=silent.sections, energy=silent.energy, energy_step_s=silent.energy_step_s, notes=(note,)
    )


def _with_tempo_note(beats: Beats, hints: Hints) -> Beats:
    if not beats.tempo_bpm:
        return beats
    low, high = tracker_hints(hints).tempo_range_bpm or (0.0, float("inf"))
    if low * 0.999 <= beats.tempo_bpm <= high * 1.001:
        return beats
    if hints.bpm is not None:
        asked = f"{beats.tempo_bpm / hints.bpm:.2f} times song.bpm={hints.bpm:g}"
    else:
        asked = f"outside song.tempo_range=[{low:g},{high:g}]"
    note = f"beats were heard at {beats.tempo_bpm:.1f} a minute, {asked}; another tracker or song.beats_file may help"
    return dataclasses.replace(beats, notes=(*beats.notes, note))


def _with_bars(beats: Beats, hints: Hints) -> Beats:
    """Places in the bar as meter and downbeat tell; as they are where neither is told."""
    if not beats.times_s or (hints.meter is None and hints.downbeat_s is None):
        return beats
    known = bar_length(beats.bar_position)
    notes = beats.notes
    if hints.meter is not None:
        fits = known and known in bar_counts(hints.meter)
        count, meter = known if fits else beats_a_bar(hints.meter, beats.tempo_bpm), hints.meter
    elif known:
        count, meter = known, beats.meter
    else:
        count, meter = 4, "4/4"
        notes += ("bars are taken to have 4 beats; song.meter tells otherwise",)
    agrees = known == count and all(1 <= position <= count for position in beats.bar_position)
    if hints.downbeat_s is not None:
        anchor = nearest(beats.times_s, hints.downbeat_s)
        positions = rotated(beats.bar_position, count, anchor) if agrees else numbered(beats.times_s, count, anchor)
    elif known == count:
        positions = beats.bar_position
    else:
        positions = numbered(beats.times_s, count, 0)
        notes += (f"bars of {count} beats are counted from the first beat; song.downbeat_s tells where one begins",)
    return dataclasses.replace(beats, bar_position=positions, meter=meter, notes=notes)
