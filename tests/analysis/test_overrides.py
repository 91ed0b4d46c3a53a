"""What the user says wins over what is heard, and leaves beats that are in order and in the song."""

from __future__ import annotations

import statistics
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.beat_files import parsed
from qmv.analysis.overrides import applied, beats_of, nearest, shifted, tempi_of, tracker_hints
from qmv.artifacts import Beats, File, Hints, Stretch

GAPS = st.lists(st.floats(0.15, 2.0), min_size=0, max_size=40)


def heard(times_s: tuple[float, ...], positions: tuple[int, ...] | None = None, **more: Any) -> Beats:
    tempo = 60 / statistics.median(b - a for a, b in pairwise(times_s)) if len(times_s) > 1 else 0.0
    values: dict[str, Any] = {"tempo_bpm": tempo, "confidence": 0.5, "duration_s": Fraction(30)}
    return Beats(times_s=times_s, bar_position=positions or (0,) * len(times_s), **values | more)


def even(count: int = 16, bars: int = 0, first: int = 0) -> Beats:
    """Beats at 120 a minute from 0.25 s on, the beat `first` of which is a 1 where bars are known."""
    positions = tuple((beat - first) % bars + 1 if bars else 0 for beat in range(count))
    return heard(tuple(0.25 + 0.5 * beat for beat in range(count)), positions)


@st.composite
def any_beats(draw: st.DrawFn) -> Beats:
    times, now = [], draw(st.floats(0, 3))
    for gap in draw(GAPS):
        times.append(round(now, 6))
        now += gap
    count = draw(st.integers(0, 7))
    positions = tuple(place % count + 1 if count else 0 for place in range(len(times)))
    return heard(tuple(times), positions, duration_s=Fraction(100), tempi_bpm=tempi_of(times))


HINTS = st.builds(
    Hints,
    bpm=st.none() | st.floats(20, 400),
    meter=st.none() | st.sampled_from(["4/4", "3/4", "6/8", "7/8", "1/1"]),
    downbeat_s=st.none() | st.floats(0, 99),
    offset_s=st.floats(-60, 60),
)


@given(any_beats(), HINTS)
def test_applied_leaves_beats_in_order_and_in_the_song(beats: Beats, hints: Hints) -> None:
    found = applied(beats, hints)
    assert all(a < b for a, b in pairwise(found.times_s))
    assert all(0 <= time_s < 100 for time_s in found.times_s)
    assert len(found.bar_position) == len(found.times_s)
    assert len(found.tempi_bpm) in (0, len(found.times_s))


@given(any_beats(), st.sampled_from(["4/4", "3/4", "5/4", "6/8", "12/8"]), st.floats(0, 99))
def test_applied_makes_the_beat_next_to_the_downbeat_a_one(beats: Beats, meter: str, downbeat_s: float) -> None:
    found = applied(beats, Hints(meter=meter, downbeat_s=downbeat_s))
    assert found.meter == (meter if found.times_s else "")
    if found.times_s:
        assert found.bar_position[nearest(found.times_s, downbeat_s)] == 1


def test_applied_without_hints_changes_nothing() -> None:
    assert applied(even(bars=4), Hints()) == even(bars=4)


# -- tempo -----------------------------------------------------------------------------------------------------------


def test_tracker_is_told_a_tempo_as_a_narrow_range() -> None:
    assert tracker_hints(Hints(bpm=100)).tempo_range_bpm == pytest.approx((94, 106))


def test_tracker_is_told_the_downbeat_where_it_is_before_the_shift() -> None:
    told = tracker_hints(Hints(downbeat_s=10.0, offset_s=0.5))
    assert (told.downbeat_s, told.offset_s) == (9.5, 0.0)


def test_tracker_is_not_told_of_the_beats_file() -> None:
    file = File(path=Path("a.beats"), sha256="0" * 64, size_bytes=1)
    assert tracker_hints(Hints(beats_file=file)).beats_file is None


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        (Hints(bpm=60), "2.00 times song.bpm=60"),
        (Hints(tempo_range_bpm=(60, 80)), "outside song.tempo_range=[60,80]"),
    ],
)
def test_applied_tells_of_a_tempo_that_was_heard_elsewhere(hints: Hints, words: str) -> None:
    [note] = applied(even(), hints).notes
    assert words in note


@pytest.mark.parametrize("hints", [Hints(bpm=118), Hints(bpm=126), Hints(tempo_range_bpm=(120, 130))])
def test_applied_is_silent_about_a_tempo_that_fits(hints: Hints) -> None:
    assert applied(even(), hints).notes == ()


@pytest.mark.parametrize("times_s", [(), (3.0,)])
def test_applied_lays_a_grid_through_the_downbeat_where_no_beat_was_heard(times_s: tuple[float, ...]) -> None:
    found = applied(heard(times_s), Hints(bpm=100, downbeat_s=10.1, meter="3/4"))
    assert found.times_s == pytest.approx([0.5 + 0.6 * beat for beat in range(50)], abs=1e-6)
    assert (found.bar_position[16], found.tempo_bpm, found.confidence) == (1, pytest.approx(100), 1.0)
    assert "no beat was heard" in found.notes[0]


@pytest.mark.parametrize("hints", [Hints(bpm=100), Hints(downbeat_s=1.0), Hints(meter="4/4")])
def test_applied_lays_no_grid_from_less(hints: Hints) -> None:
    assert applied(heard(()), hints).times_s == ()


# -- offset ----------------------------------------------------------------------------------------------------------


def test_shifted_moves_beats_and_drops_those_that_leave_the_song() -> None:
    assert shifted(heard((0.1, 1.0, 29.0)), -0.2).times_s == (0.8, 28.8)
    assert shifted(heard((0.1, 1.0, 29.0)), 1.5).times_s == (1.6, 2.5)


def test_applied_tells_that_the_offset_moves_all_beats_out_of_the_song() -> None:
    found = applied(heard((1.0, 2.0)), Hints(offset_s=-5.0))
    assert (found.times_s, found.notes) == (
        (), ("song.offset_s=-5 moves all beats out of the song: pictures change on an even grid",)
    )  # fmt: skip


def test_shifted_out_of_the_song_leaves_no_pulse() -> None:
    whole = Stretch(start_s=0, end_s=30, tempo_bpm=120, confidence=1)
    found = shifted(heard((1.0, 2.0), stretches=(whole,)), -5.0)
    assert [(s.start_s, s.end_s, s.tempo_bpm, s.confidence) for s in found.stretches] == [(0, 30, 0, 0)]
    assert found.confidence == 0


def test_shifted_keeps_the_stretches_over_the_whole_song() -> None:
    stretches = (
        Stretch(start_s=0, end_s=10, tempo_bpm=0, confidence=0),
        Stretch(start_s=10, end_s=30, tempo_bpm=120, confidence=1),
    )
    found = shifted(heard((11.0,), stretches=stretches), 2.0).stretches
    assert [(stretch.start_s, stretch.end_s) for stretch in found] == [(0, 12), (12, 30)]


# -- bars ------------------------------------------------------------------------------------------------------------


def test_meter_that_the_tracker_heard_keeps_its_downbeats() -> None:
    found = applied(even(bars=3, first=2), Hints(meter="3/4"))
    assert (found.bar_position, found.meter, found.notes) == (even(bars=3, first=2).bar_position, "3/4", ())


def test_another_meter_is_counted_from_the_first_beat_with_a_note() -> None:
    found = applied(even(bars=4, first=2), Hints(meter="3/4"))
    assert found.bar_position[:4] == (1, 2, 3, 1)
    assert "song.downbeat_s tells where one begins" in found.notes[0]


@pytest.mark.parametrize(("beats", "count"), [(even(), 2), (even(bars=6), 6), (even(bars=2), 2)])
def test_six_eight_counts_as_the_tracker_or_the_tempo_tells(beats: Beats, count: int) -> None:
    assert max(applied(beats, Hints(meter="6/8")).bar_position) == count


def test_six_eight_of_quick_beats_has_six() -> None:
    quick = heard(tuple(0.3 * beat for beat in range(40)))
    assert max(applied(quick, Hints(meter="6/8")).bar_position) == 6


def test_downbeat_moves_the_bars_of_the_tracker() -> None:
    found = applied(even(bars=4), Hints(downbeat_s=1.2))  # the beat at 1.25 s
    assert found.bar_position[:4] == (3, 4, 1, 2)


def test_downbeat_alone_takes_bars_of_four_and_says_so() -> None:
    found = applied(even(), Hints(downbeat_s=1.2))
    assert found.bar_position[:4] == (3, 4, 1, 2)
    assert "song.meter tells otherwise" in found.notes[0]


def test_downbeat_is_where_it_is_after_the_shift() -> None:
    found = applied(even(), Hints(meter="4/4", downbeat_s=1.35, offset_s=0.1))
    assert (found.times_s[2], found.bar_position[2]) == (pytest.approx(1.35), 1)


# -- the user's file -------------------------------------------------------------------------------------------------


def test_beats_of_a_file_are_believed() -> None:
    found = beats_of(parsed("0.5\t1\n1.0\t2\n1.5\t3\n2.0\t1\n2.5\t2\n", "here"), Fraction(30))
    assert (found.times_s, found.bar_position) == ((0.5, 1.0, 1.5, 2.0, 2.5), (1, 2, 3, 1, 2))
    assert (found.tempo_bpm, found.confidence, found.meter, found.tempi_bpm) == (120, 1.0, "3/4", (120.0,) * 5)


def test_beats_of_a_file_with_one_beat_have_no_tempo() -> None:
    assert beats_of(parsed("0.5\n", "here"), Fraction(30)).tempo_bpm == 0


def test_tempi_of_follow_a_song_that_speeds_up() -> None:
    assert tempi_of([0, 1, 1.5, 2.0]) == (60, 80, 120, 120)
