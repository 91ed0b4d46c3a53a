"""A window's beats are those of the whole song, counted from its start."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.crop import cropped
from qmv.artifacts import Beats, Section, Stretch


def whole() -> Beats:
    """Sixty seconds: no pulse for 10 s, then 120 beats a minute, from 40 s on 60; the energy is the second / 60."""
    times_s = tuple(10 + 0.5 * beat for beat in range(60)) + tuple(40.0 + beat for beat in range(20))
    return Beats(
        times_s=times_s,
        bar_position=tuple(beat % 4 + 1 for beat in range(80)),
        tempo_bpm=120.0,
        confidence=0.9,
        duration_s=Fraction(60),
        meter="4/4",
        tempi_bpm=(120.0,) * 60 + (60.0,) * 20,
        stretches=(
            Stretch(start_s=0, end_s=10, tempo_bpm=0, confidence=0),
            Stretch(start_s=10, end_s=60, tempo_bpm=120, confidence=1),
        ),
        sections=(
            Section(start_s=0, end_s=30, label="A", energy=0.2),
            Section(start_s=30, end_s=60, label="B", energy=0.8),
        ),
        energy=tuple(step / 120 for step in range(120)),
    )


def test_cropped_to_the_whole_song_is_the_same() -> None:
    assert cropped(whole(), 0.0, Fraction(60)) == whole()


def test_cropped_counts_from_the_start_and_keeps_the_bars() -> None:
    found = cropped(whole(), 10.5, 12.5)
    assert (found.times_s, found.bar_position) == ((0.0, 0.5, 1.0, 1.5), (2, 3, 4, 1))
    assert (found.duration_s, found.tempo_bpm, found.tempi_bpm, found.meter) == (2, 120.0, (120.0,) * 4, "4/4")


def test_cropped_tells_the_tempo_of_the_window() -> None:
    assert cropped(whole(), 41.5, 60).tempo_bpm == 60


def test_cropped_where_no_beat_is_has_no_tempo() -> None:
    assert (cropped(whole(), 1, 9).times_s, cropped(whole(), 1, 9).tempo_bpm) == ((), 0.0)


def test_cropped_cuts_sections_and_stretches() -> None:
    found = cropped(whole(), 5, 45)
    assert [(s.start_s, s.end_s, s.label) for s in found.sections] == [(0, 25, "A"), (25, 40, "B")]
    assert [(s.start_s, s.end_s) for s in found.stretches] == [(0, 5), (5, 40)]


def test_cropped_cuts_the_energy() -> None:
    found = cropped(whole(), 20.25, 22.5)
    assert found.energy == pytest.approx([second / 60 for second in (20.5, 21, 21.5, 22, 22.5)], abs=0.5 / 60)


@given(st.floats(0, 59), st.floats(0.01, 60))
def test_cropped_covers_its_window(start_s: float, length_s: float) -> None:
    found = cropped(whole(), start_s, min(60.0, start_s + length_s))
    end_s = float(found.duration_s)
    assert end_s == pytest.approx(min(60.0, start_s + length_s) - start_s)
    assert all(0 <= time_s < end_s for time_s in found.times_s)
    assert all(a < b for a, b in pairwise(found.times_s))
    for spans in (found.sections, found.stretches):
        assert (spans[0].start_s, spans[-1].end_s) == (0, end_s)
        assert all(a.end_s == b.start_s for a, b in pairwise(spans))
    assert (
        (len(found.energy) - 1) * found.energy_step_s < end_s + 1e-6 <= len(found.energy) * found.energy_step_s + 1e-3
    )
