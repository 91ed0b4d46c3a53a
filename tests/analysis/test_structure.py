"""Sections, against songs whose sections are known."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.analysis.energy import level
from qmv.analysis.structure import bar_edges_s, described
from qmv.artifacts import Beats, Section
from qmv.demo import song as demo
from tests.analysis.songs import RATE_HZ, Made, Part, made

FULL = {
    "A": Part(level=0.4, drums=0.2),
    "B": Part("Dm E Bb Eb", "bright", 1.0, 1.0),
    "C": Part("Eb Bb Dm E", "organ", 0.7, 0),
}
ONE_DIFFERENCE = {
    "chords": {"A": Part(), "B": Part("Dm E Bb Eb")},
    "instrument": {"A": Part(), "B": Part(instrument="bright")},
    "loudness": {"A": Part(level=0.3), "B": Part(level=0.9)},
}


def heard(song: Made, **changes: object) -> tuple[Section, ...]:
    return described(song.samples, RATE_HZ, dataclasses.replace(song.beats, **changes)).sections


def changes_s(song: Made) -> list[float]:
    """Where a section of another letter begins."""
    return [start for start, (a, b) in zip(song.starts_s[1:], itertools.pairwise(song.labels)) if a != b]


def starts_s(sections: tuple[Section, ...]) -> list[float]:
    return [section.start_s for section in sections[1:]]


def hits(found: list[float], true: list[float], within_s: float) -> float:
    """F-measure; each boundary counts once."""
    matched = sum(any(abs(a - b) <= within_s for b in found) for a in true)
    return 2 * matched / (len(found) + len(true))


def pairs_alike(labels: list[str]) -> list[bool]:
    return [a == b for a, b in itertools.combinations(labels, 2)]


def label_at(sections: tuple[Section, ...], time_s: float) -> str:
    return next(section.label for section in sections if section.start_s <= time_s < section.end_s)


# -- boundaries and labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", ["AABA", "ABAB", "ABACAB"])
def test_sections_are_those_of_the_song(plan: str) -> None:
    song = made(plan, FULL, bpm=110)
    sections = heard(song)
    assert starts_s(sections) == pytest.approx(changes_s(song))
    assert "".join(section.label for section in sections) == "".join(letter for letter, _ in itertools.groupby(plan))


@pytest.mark.parametrize("difference", list(ONE_DIFFERENCE))
def test_sections_are_told_apart_by_one_side_of_the_sound(difference: str) -> None:
    song = made("AABA", ONE_DIFFERENCE[difference], bpm=110)
    sections = heard(song)
    assert starts_s(sections) == pytest.approx(changes_s(song))
    assert [section.label for section in sections] == ["A", "B", "A"]


def test_sections_of_a_song_in_three_begin_on_its_downbeats() -> None:
    song = made("ABA", FULL, bpm=140, meter=3)
    assert starts_s(heard(song)) == pytest.approx(changes_s(song))


def test_sections_begin_on_beats_where_bars_are_not_known() -> None:
    song = made("ABA", FULL)
    found = starts_s(heard(song, bar_position=(0,) * len(song.beats.times_s)))
    assert set(found) <= set(song.beats.times_s)
    assert hits(found, changes_s(song), 1.0) == 1


def test_sections_are_found_without_beats() -> None:
    song = made("ABA", FULL)
    assert hits(starts_s(heard(song, times_s=(), bar_position=())), changes_s(song), 2.0) == 1


def test_sections_are_found_where_a_part_of_the_song_has_no_beats() -> None:
    song = made("ABA", FULL)
    late = [time for time in song.beats.times_s if time >= song.starts_s[2]]
    positions = song.beats.bar_position[-len(late) :]
    assert hits(starts_s(heard(song, times_s=tuple(late), bar_position=positions)), changes_s(song), 2.0) == 1


def test_sections_of_a_song_that_does_not_change_are_one() -> None:
    assert [section.label for section in heard(made("AAAA", FULL))] == ["A"]


def test_sections_of_the_demo_song_are_those_of_its_score() -> None:
    """F-measure within 1 s of at least 0.85, and labels that agree for nine in ten pairs of beats."""
    samples = demo.compose().mean(axis=0)
    times = demo.beat_times_s()
    beats = Beats(
        times_s=times, bar_position=demo.bar_positions(), tempo_bpm=demo.TEMPO_BPM, confidence=1.0,
        duration_s=Fraction(len(samples), demo.RATE_HZ),
    )  # fmt: skip
    sections = described(samples, demo.RATE_HZ, beats).sections
    score = [section.name for section in demo.sections() for _ in range(4 * len(section.chords))][: len(times)]
    true = [times[4 * section.first_bar] for section in demo.sections()[1:]]
    agree = np.equal(pairs_alike([label_at(sections, time + 0.01) for time in times]), pairs_alike(score))
    assert hits(starts_s(sections), true, 1.0) >= 0.85
    assert agree.mean() >= 0.9
    energies = {label_at(sections, times[4 * section.first_bar] + 0.01): section.name for section in demo.sections()}
    loudest = max(sections, key=lambda section: section.energy)
    assert energies[loudest.label] == "chorus"
    assert level(loudest.energy) == "loud"


def test_section_energy_tells_loud_from_calm() -> None:
    levels = [level(section.energy) for section in heard(made("ABA", ONE_DIFFERENCE["loudness"]))]
    assert levels == ["calm", "loud", "calm"]


# -- whatever is given -----------------------------------------------------------------------------------------------


def beats_every(step_s: float, duration_s: float, meter: int = 0) -> Beats:
    times = tuple(float(time) for time in np.arange(0.2, duration_s, step_s)) if step_s else ()
    return Beats(
        times_s=times,
        bar_position=tuple(number % meter + 1 if meter else 0 for number in range(len(times))),
        tempo_bpm=60 / step_s if step_s else 0.0,
        confidence=1.0 if times else 0.0,
        duration_s=Fraction(duration_s),
    )


SOUNDS = {
    "silence": np.zeros,
    "noise": lambda count: 0.1 * np.random.default_rng(0).standard_normal(count),
    "not a number": lambda count: np.full(count, np.nan),
    "half silent": lambda count: np.where(np.arange(count) < count // 2, 0, np.sin(np.arange(count) / 7)),
}


@pytest.mark.parametrize("step_s", [0, 0.05, 0.5, 2.5])
@pytest.mark.parametrize("duration_s", [0.001, 1.0, 40.0])
@pytest.mark.parametrize("sound", list(SOUNDS))
def test_described_takes_any_sound(sound: str, duration_s: float, step_s: float) -> None:
    samples = SOUNDS[sound](round(duration_s * 8000)).astype(np.float32)
    found = described(samples, 8000, beats_every(step_s, duration_s))
    edges = [(section.start_s, section.end_s) for section in found.sections]
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(len(samples) / 8000)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
    assert all(a.label != b.label for a, b in itertools.pairwise(found.sections))
    assert all(0 <= energy <= 1 for energy in (*found.energy, *(section.energy for section in found.sections)))


def test_described_hears_one_section_in_noise() -> None:
    samples = SOUNDS["noise"](60 * 8000).astype(np.float32)
    assert len(described(samples, 8000, beats_every(0.5, 60, 4)).sections) == 1


def test_described_has_an_energy_for_every_half_second() -> None:
    found = described(SOUNDS["noise"](80_001).astype(np.float32), 8000, beats_every(0, 10))
    assert (len(found.energy), found.energy_step_s) == (21, 0.5)


def test_described_keeps_what_the_tracker_found() -> None:
    own = (Section(start_s=0.0, end_s=10.0, label="verse", energy=0.3),)
    given_beats = dataclasses.replace(beats_every(0.5, 10), sections=own)
    found = described(SOUNDS["noise"](80_000).astype(np.float32), 8000, given_beats)
    assert found.sections == own
    assert found.energy


def test_described_leaves_the_beats_as_they_are() -> None:
    song = made("AB", FULL)
    assert dataclasses.replace(described(song.samples, RATE_HZ, song.beats), energy=(), sections=()) == song.beats


def test_described_says_the_same_twice() -> None:
    song = made("AB", FULL)
    again = described(song.samples, RATE_HZ, song.beats)
    assert described(song.samples, RATE_HZ, song.beats) == again


# -- bars ------------------------------------------------------------------------------------------------------------


def test_bars_are_those_of_the_beats() -> None:
    assert bar_edges_s(beats_every(0.5, 9, 4), 9)[1:-1] == pytest.approx([2.2, 4.2, 6.2])


def test_bars_that_fly_by_are_taken_together() -> None:
    assert bar_edges_s(beats_every(0.25, 9, 2), 9)[1:3] == pytest.approx([1.7, 3.2])


def test_bars_are_of_two_seconds_where_no_beat_is() -> None:
    assert bar_edges_s(beats_every(0, 9), 9) == pytest.approx([0, 2.25, 4.5, 6.75, 9])


def test_bars_of_a_very_long_song_are_few() -> None:
    assert len(bar_edges_s(beats_every(0.5, 20_000, 4), 20_000)) < 2000


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0.01, 30), max_size=60),
    st.lists(st.integers(0, 4), min_size=60, max_size=60),
    st.floats(0.001, 200),
)
def test_bars_cover_the_song_in_order(gaps: list[float], positions: list[int], duration_s: float) -> None:
    times = tuple(itertools.accumulate(gaps))
    beats = dataclasses.replace(beats_every(0, 1), times_s=times, bar_position=tuple(positions[: len(times)]))
    edges = bar_edges_s(beats, duration_s)
    assert (edges[0], edges[-1]) == (0, duration_s)
    assert all(a < b for a, b in itertools.pairwise(edges))
