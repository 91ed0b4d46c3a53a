"""Beats moved onto attacks that are known to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.analysis.timing import on_attacks

RATE = 44100


def struck(times_s: np.ndarray, *, decay_s: float, hz: float = 0.0, seconds: float = 20.0) -> np.ndarray:
    """A burst of noise, or a note, at each time, that begins at once and dies away."""
    rng = np.random.default_rng(3)
    out = np.zeros(round(seconds * RATE), np.float32)
    length = round(4 * decay_s * RATE)
    clock = np.arange(length) / RATE
    for time_s in times_s:
        sound = np.sin(2 * np.pi * hz * clock) if hz else rng.standard_normal(length)
        at = round(time_s * RATE)
        out[at : at + length] += (0.3 * sound * np.exp(-clock / decay_s))[: len(out) - at].astype(np.float32)
    return out


@pytest.mark.parametrize(("decay_s", "hz"), [(0.01, 0.0), (0.05, 0.0), (0.3, 0.0), (0.15, 220.0), (0.2, 880.0)])
def test_beats_move_onto_attacks_without_a_bias(decay_s: float, hz: float) -> None:
    """4 ms: hops of 2 ms, and the click at the start of a note, shorter than the window, is loudest in its slope."""
    true = 0.5 + np.arange(36) * 0.51
    rough = true + np.random.default_rng(1).uniform(-0.02, 0.02, len(true))
    moved = on_attacks(struck(true, decay_s=decay_s, hz=hz), RATE, rough)
    assert abs(float(np.median(moved - true))) < 0.004
    assert np.abs(moved - true).max() < 0.008


def test_a_late_note_and_a_missing_one_move_no_beat() -> None:
    """3 ms, though one note is 35 ms late."""
    true = 0.5 + np.arange(36) * 0.5
    played = np.delete(true, 20)
    played[9] += 0.035
    moved = on_attacks(struck(played, decay_s=0.03), RATE, true + 0.004)
    assert np.abs(moved - true).max() < 0.003


def test_beats_follow_a_tempo_that_rises() -> None:
    """4 ms: the parabola is drawn over 17 beats."""
    true = 0.5 + np.cumsum(np.geomspace(0.6, 0.42, 36))
    rough = np.round(true * 50) / 50
    assert np.abs(on_attacks(struck(true, decay_s=0.03), RATE, rough) - true)[2:-2].max() < 0.004


def test_silence_moves_nothing_far() -> None:
    """A hop."""
    times = np.arange(1, 9, 0.5)
    assert on_attacks(np.zeros(10 * RATE, np.float32), RATE, times) == pytest.approx(times, abs=0.0021)


def test_beats_at_the_edges_of_the_song_are_no_matter() -> None:
    times = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    assert (np.diff(on_attacks(struck(times, decay_s=0.05, seconds=2.0), RATE, times)) > 0).all()
