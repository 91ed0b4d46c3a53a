"""Stretches with and without a pulse."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.onsets import onsets
from qmv.analysis.pulse import pulse, stretches
from qmv.testing import click_track


def test_pulse_of_clicks_is_their_tempo() -> None:
    """21 ms: a frame."""
    felt = pulse(onsets(click_track(100, 0.3, 12, 22050), 22050), 40, 220, 100)
    assert np.abs((felt.times_s - 0.3 + 0.3) % 0.6 - 0.3).max() < 0.021
    assert len(felt.times_s) in (19, 20, 21)


def test_pulse_keeps_to_the_range_that_it_is_given() -> None:
    felt = pulse(onsets(click_track(100, 0.3, 12, 22050), 22050), 180, 220, 100)
    assert abs(float(np.median(np.diff(felt.times_s))) - 0.3) < 0.02


def test_song_that_fits_is_one_stretch() -> None:
    (whole,) = stretches(np.arange(0.5, 60, 0.5), np.full(119, 2.0), 60.0)
    assert (whole.start_s, whole.end_s, whole.tempo_bpm) == (0.0, 60.0, 120.0)
    assert 0.8 < whole.confidence < 1


def test_beats_that_do_not_fit_for_long_are_a_stretch_without_a_pulse() -> None:
    """4 s: fit is felt over 8 s."""
    times = np.arange(0.5, 60, 0.5)
    quiet, loud = stretches(times, np.where(times < 20, -0.2, 1.5), 60.0)
    assert (quiet.tempo_bpm, quiet.confidence) == (0.0, 0.0)
    assert abs(quiet.end_s - 20) < 4
    assert 0.5 < loud.confidence <= 1


def test_a_few_beats_that_do_not_fit_are_bridged() -> None:
    times = np.arange(0.5, 60, 0.5)
    assert len(stretches(times, np.where(abs(times - 30) < 1.5, -0.5, 1.5), 60.0)) == 1


@given(
    fit=st.lists(st.floats(-3, 3), min_size=0, max_size=80),
    period_s=st.floats(0.25, 1.5),
    rest_s=st.floats(0.1, 30),
)
def test_stretches_cover_the_song_in_order(fit: list[float], period_s: float, rest_s: float) -> None:
    times = 0.3 + np.arange(len(fit)) * period_s
    duration_s = float(times[-1] + rest_s) if fit else rest_s
    found = stretches(times, np.array(fit), duration_s)
    assert (found[0].start_s, found[-1].end_s) == (0.0, duration_s)
    assert all(a.end_s == b.start_s and a.start_s < a.end_s for a, b in itertools.pairwise(found))
    assert all((part.tempo_bpm > 0) >= (part.confidence > 0) for part in found)
    assert all(0 <= part.confidence <= 1 for part in found)
