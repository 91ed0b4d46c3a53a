"""The best window of a song: as loud as can be, on bar lines."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.window import asked_s, best_window, loudness
from qmv.artifacts import Beats

ENERGY = (0.1,) * 60 + (0.9,) * 60 + (0.3,) * 80  # loud from 30 to 60 s of 100 s


def beats(bars: int = 4, first_s: float = 0.3, duration_s: float = 100, period_s: float = 0.5) -> Beats:
    times_s = tuple(first_s + period_s * beat for beat in range(int((duration_s - first_s) / period_s)))
    return Beats(
        times_s=times_s,
        bar_position=tuple(beat % bars + 1 if bars else 0 for beat in range(len(times_s))),
        tempo_bpm=60 / period_s,
        confidence=1.0,
        duration_s=Fraction(duration_s),
    )


@pytest.mark.parametrize(("text", "seconds"), [("best 30", 30), ("best  12.5", 12.5), (" best 1 ", 1)])
def test_asked_s_reads_the_seconds(text: str, seconds: float) -> None:
    assert asked_s(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "best", "best 0", "best -3", "best nan", "best 30 s", "worst 30", "best30"])
def test_asked_s_knows_what_is_no_window(text: str) -> None:
    assert asked_s(text) is None


def test_best_window_is_the_loud_part_on_bar_lines() -> None:
    found = best_window(beats(), 20, ENERGY, 0.5)
    assert (found.start_s, found.end_s, found.lines) == (30.3, 50.3, "bars")


def test_best_window_is_on_beats_where_bars_are_not_known() -> None:
    found = best_window(beats(bars=0), 20, ENERGY, 0.5)
    assert (found.start_s, found.end_s, found.lines) == (30.3, 50.3, "beats")


def test_best_window_at_the_end_is_not_cut_short_for_a_little_energy() -> None:
    found = best_window(beats(bars=0, first_s=0.25, duration_s=8), 3, (0.5,) * 13 + (0.6,) * 3, 0.5)
    assert (found.start_s, found.end_s) == (4.25, 7.25)


def test_best_window_without_beats_is_the_loud_part() -> None:
    found = best_window(beats(duration_s=100, first_s=100), 20, ENERGY, 0.5)
    assert (found.start_s, found.end_s, found.lines) == (30, 50, "seconds")


@given(
    st.floats(1, 99), st.integers(0, 7), st.floats(0, 5), st.floats(0.2, 1.5), st.lists(st.floats(0, 1), max_size=210)
)
def test_best_window_lies_on_lines_and_is_about_as_long_as_asked(
    length_s: float, bars: int, first_s: float, period_s: float, energy: list[float]
) -> None:
    song = beats(bars, first_s, 100, period_s)
    found = best_window(song, length_s, energy, 0.5)
    assert 0 <= found.start_s < found.end_s <= 100 + 1e-6
    if found.lines == "seconds":
        assert found.end_s - found.start_s == pytest.approx(length_s, abs=1e-5)
        return
    ones = [time_s for time_s, place in zip(song.times_s, song.bar_position) if place == 1]
    lines = ones if found.lines == "bars" else song.times_s
    assert min(abs(line - found.start_s) for line in lines) < 1e-5
    assert min(abs(line - found.end_s) for line in lines) < 1e-5
    assert abs(found.end_s - found.start_s - length_s) < period_s * (bars if found.lines == "bars" else 1) + 1e-5


def test_best_window_as_long_as_the_song_is_the_song_without_beats() -> None:
    found = best_window(beats(first_s=100), 100, ENERGY, 0.5)
    assert (found.start_s, found.end_s) == (0, 100)


def test_loudness_is_the_root_mean_square_of_each_step() -> None:
    samples = np.concatenate([np.full(100, 0.5), np.full(100, -0.25), np.zeros(50)]).astype(np.float32)
    assert loudness(samples, 100, 1.0) == pytest.approx((0.5, 0.25, 0.0))
