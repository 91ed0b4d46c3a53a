"""The librosa tracker against click tracks whose beats are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from qmv.artifacts import Hints
from qmv.plugins.tracker.librosa import Librosa
from qmv.testing import TrackerContract, click_track


class TestLibrosa(TrackerContract):
    plugin = Librosa()


def test_librosa_finds_a_click_track_of_118_bpm_within_30_ms() -> None:
    """30 ms: a hop is 11.6 ms, and the onset curve peaks up to two hops after the attack."""
    wanted = 0.37 + np.arange(24) * 60 / 118
    found = np.array(Librosa().track(click_track(118, 0.37, 12.5, 44100), 44100, Hints()).times_s)
    inner = wanted[2:-2]
    assert np.abs(found[:, None] - inner[None, :]).min(axis=0).max() < 0.030


def test_librosa_finds_no_beat_between_clicks() -> None:
    found = np.array(Librosa().track(click_track(118, 0.37, 12.5), 22050, Hints()).times_s)
    assert np.diff(found) == pytest.approx(60 / 118, abs=0.035)  # three hops


def test_librosa_tells_the_tempo_of_a_click_track() -> None:
    tempo = Librosa().track(click_track(118, 0.37, 12.5), 22050, Hints()).tempo_bpm
    assert tempo == pytest.approx(118, rel=0.025)  # a beat is 43.8 hops long, and one hop of these is 2.3 %


def test_librosa_tells_the_exact_duration() -> None:
    assert Librosa().track(click_track(120, 0.1, 2, 44100)[:80001], 44100, Hints()).duration_s == Fraction(80001, 44100)


def test_librosa_knows_no_bars() -> None:
    assert set(Librosa().track(click_track(120, 0.2, 6), 22050, Hints()).bar_position) == {0}


def test_librosa_refuses_a_tempo_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"start_bpm must be at least 30 and at most 300 .*got 12"):
        Librosa(start_bpm=12.0)


@pytest.mark.parametrize("hints", [Hints(bpm=60), Hints(tempo_range_bpm=(50, 70))])
def test_librosa_keeps_to_the_tempo_that_it_is_told(hints: Hints) -> None:
    """Clicks at 120 a minute, heard at half of it; 2 beats a minute are one frame of the onset curve."""
    assert Librosa().track(click_track(120, 0.2, 12), 22050, hints).tempo_bpm == pytest.approx(60, abs=2)
