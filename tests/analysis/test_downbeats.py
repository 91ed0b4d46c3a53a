"""Bars on beats whose accents are made."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.analysis.downbeats import BARS, COMPOUND_BARS, numbered
from qmv.analysis.onsets import RATE_HZ, Onsets

PERIOD_S = 0.5


def band(positions: list[int], *, seed: int = 0) -> tuple[Onsets, np.ndarray]:
    """A bass and a new chord on each first beat, a snare on the even ones, and a little of everything at random."""
    rng = np.random.default_rng(seed)
    times = 0.4 + np.arange(len(positions)) * PERIOD_S
    count = round((times[-1] + 1) * RATE_HZ)
    strength, chroma = np.zeros((count, 5), np.float32), np.zeros((count, 12), np.float32)
    chord = 0
    for time, position in zip(times, positions):
        frame = round(time * RATE_HZ)
        chord += 5 * (position == 1)
        strength[frame] = 0.2 * rng.random(5)
        strength[frame, [0, 3]] += (0.7 * (position == 1), 0.7 * (position % 2 == 0))
        chroma[frame : frame + round(PERIOD_S * RATE_HZ), [chord % 12, (chord + 4) % 12, (chord + 7) % 12]] = 1
    return Onsets(strength=strength, harmony=np.zeros(count, np.float32), chroma=chroma), times


@pytest.mark.parametrize(("beats", "meter"), [(3, "3/4"), (4, "4/4"), (5, "5/4")])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_numbered_finds_the_meter_and_the_first_beat(beats: int, meter: str, first: int) -> None:
    positions = [(first - 1 + beat) % beats + 1 for beat in range(48)]
    found, name = numbered(*band(positions))
    assert (name, found.tolist()) == (meter, positions)


def test_numbered_begins_with_a_bar_where_one_and_three_sound_alike() -> None:
    """A kick on one and three, a snare on two and four, nothing else, and no beat louder than another of its kind."""
    count = 24 * RATE_HZ
    strength, times = np.zeros((count, 5), np.float32), 0.4 + np.arange(40) * PERIOD_S
    for beat, time in enumerate(times):
        strength[round(time * RATE_HZ), 3 if beat % 2 else 0] = 1
    heard = Onsets(strength, np.zeros(count, np.float32), np.zeros((count, 12), np.float32))
    assert numbered(heard, times)[0].tolist() == [beat % 4 + 1 for beat in range(40)]


def test_numbered_begins_anew_after_a_break() -> None:
    positions = [beat % 4 + 1 for beat in range(21)]
    (onsets, times), later = band(positions + positions), 21
    gap = times + np.where(np.arange(42) >= later, 5.0, 0.0)
    at = round((times[later] - 0.1) * RATE_HZ)
    wide = Onsets(*(np.insert(part, at, np.zeros((5 * RATE_HZ, *part.shape[1:])), axis=0) for part in onsets))
    assert numbered(wide, gap)[0].tolist() == positions + positions


def test_numbered_keeps_to_the_bars_that_it_may_choose() -> None:
    onsets, times = band([beat % 4 + 1 for beat in range(32)])
    assert numbered(onsets, times, [bar for bar in BARS if bar.meter == "3/4"])[1] == "3/4"
    assert numbered(onsets, times, COMPOUND_BARS)[1] == "12/8"


def test_numbered_counts_through_a_song_without_accents() -> None:
    count = 20 * RATE_HZ
    nothing = Onsets(np.zeros((count, 5), np.float32), np.zeros(count, np.float32), np.zeros((count, 12), np.float32))
    positions, meter = numbered(nothing, np.arange(1, 17, 0.5))
    assert meter == "4/4"
    assert np.diff(positions).tolist().count(1) >= 23  # of 31 steps, 7 or 8 go back to 1
