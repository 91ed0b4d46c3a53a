"""Taps of an unsteady hand become the beats that it meant."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.taps import beats_of_taps, latency_s, single, smoothed, snapped

NONE = np.zeros(0)
BEATS = 1.0 + 0.5 * np.arange(100)


def hand(late_s: float = 0.0, scatter_s: float = 0.03, seed: int = 0) -> np.ndarray:
    """Taps on BEATS by someone who scatters."""
    return BEATS + late_s + np.random.default_rng(seed).normal(0, scatter_s, len(BEATS))


def error_s(found: list[float], wanted: np.ndarray = BEATS) -> float:
    assert len(found) == len(wanted)
    return float(np.abs(np.array(found) - wanted).max())


@given(st.lists(st.floats(0, 600), max_size=60))
def test_any_taps_become_beats_in_order(taps: list[float]) -> None:
    found = beats_of_taps(taps, NONE, NONE).times_s
    assert all(np.isfinite(found))
    assert bool(found) == bool(taps)


@given(st.integers(0, 50), st.floats(40, 240))
def test_smoothed_taps_are_steadier_than_the_hand(seed: int, bpm: float) -> None:
    beats = 1 + 60 / bpm * np.arange(60)
    taps = beats + np.random.default_rng(seed).normal(0, 0.02, 60)
    assert np.sqrt(np.mean((np.array(smoothed(taps)) - beats) ** 2)) < 0.015


def test_smoothed_leaves_an_even_pulse_as_it_is() -> None:
    assert error_s(smoothed(BEATS)) < 1e-6


def test_smoothed_follows_a_song_that_speeds_up() -> None:
    beats = np.cumsum(np.linspace(0.6, 0.4, 100))
    taps = beats + np.random.default_rng(1).normal(0, 0.02, 100)
    assert error_s(smoothed(taps), beats) < 0.035


def test_smoothed_fills_in_what_was_missed() -> None:
    assert error_s(smoothed(np.delete(hand(), [5, 20, 21, 22, 60]))) < 0.04


def test_smoothed_drops_a_tap_between_beats() -> None:
    assert error_s(smoothed(np.sort(np.append(hand(), [10.25, 30.2])))) < 0.04


def test_smoothed_is_not_moved_by_one_bad_tap() -> None:
    taps = BEATS.copy()
    taps[40] += 0.15
    assert error_s(smoothed(taps)) < 0.01


def test_single_drops_what_a_repeating_key_adds() -> None:
    assert single([0.5, 0.53, 0.56, 1.0, 1.09, 1.5]) == [0.5, 1.0, 1.5]


def test_pause_of_the_hand_is_not_filled_in() -> None:
    taps = np.concatenate([BEATS[:20], BEATS[60:80]])
    assert error_s(list(beats_of_taps(taps, NONE, NONE).times_s), taps) < 1e-6


@pytest.mark.parametrize("late_s", [-0.04, 0.0, 0.05, 0.12])
def test_latency_is_found_by_the_sound(late_s: float) -> None:
    assert latency_s(smoothed(hand(late_s)), BEATS, np.ones(100)) == pytest.approx(late_s, abs=0.01)


@pytest.mark.parametrize("late_s", [-0.03, 0.09])
def test_latency_is_not_half_a_beat_where_offbeats_sound_too(late_s: float) -> None:
    at_s = np.sort(np.concatenate([BEATS, BEATS + 0.25]))
    assert latency_s(smoothed(hand(late_s)), at_s, np.ones(200)) == pytest.approx(late_s, abs=0.01)


def test_beats_lie_on_the_sound_that_was_meant() -> None:
    found = beats_of_taps(hand(0.08), BEATS, np.ones(100))
    assert (error_s(list(found.times_s)), found.on_attacks) == (0, 100)


def test_known_latency_is_taken_off() -> None:
    found = beats_of_taps(BEATS + 0.31, NONE, NONE, 0.31)
    assert (error_s(list(found.times_s)) < 1e-6, found.latency_s) == (True, 0.31)


def test_snapped_leaves_a_beat_alone_where_nothing_sounds() -> None:
    assert snapped([1.0, 2.0], np.array([1.05, 2.07]), np.ones(2)) == [1.05, 2.0]


def test_snapped_takes_the_clearer_of_two_sounds() -> None:
    assert snapped([1.0], np.array([0.99, 1.015]), np.array([0.4, 1.0])) == [1.015]


def test_snapped_keeps_quick_beats_in_order() -> None:
    quick = [0.15 * beat for beat in range(20)]
    found = snapped(quick, np.arange(0, 3, 0.047), np.ones(64))
    assert all(a < b for a, b in pairwise(found))
