"""Onsets in made sound whose attacks are known."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.analysis.onsets import RATE_HZ, difference, onsets
from qmv.testing import click_track

RATE = 22050


def tone(hz: float, seconds: float, rate_hz: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_onset_lies_on_its_click(rate_hz: int) -> None:
    """10 ms: a frame."""
    strength = onsets(click_track(120, 0.5, 4, rate_hz), rate_hz).strength.max(axis=1)
    found = np.flatnonzero(strength > 0.5) / RATE_HZ
    assert np.abs(found[:, None] - (0.5 + np.arange(7) * 0.5)).min(axis=1).max() <= 0.0101
    assert len(found) >= 7


def test_onsets_have_a_row_every_hundredth_of_a_second_whatever_the_rate() -> None:
    assert len(onsets(np.zeros(11_025 * 3 + 7, np.float32), 11_025).strength) == 3 * RATE_HZ + 1


def test_onset_is_heard_in_the_band_of_its_sound() -> None:
    """A note that begins after a second of silence; its attack is a little heard in every band."""
    for hz, band in ((60, 0), (400, 1), (1500, 2), (4000, 3)):
        signal = np.concatenate([np.zeros(RATE, np.float32), tone(hz, 1)])
        assert onsets(signal, RATE).strength[RATE_HZ - 3 : RATE_HZ + 3].max(axis=0)[band] >= 1


def test_chord_change_is_heard_where_it_is() -> None:
    """50 ms: harmony is compared over 400 ms on either side."""
    parts = [sum(tone(hz, 2) for hz in chord) for chord in ((262, 330, 392), (294, 349, 440))]
    harmony = onsets(np.concatenate(parts), RATE).harmony
    assert abs(int(harmony.argmax()) / RATE_HZ - 2) < 0.05
    assert harmony.max() > 0.5


def test_silence_has_no_onset() -> None:
    heard = onsets(np.zeros(RATE, np.float32), RATE)
    assert not heard.strength.any()
    assert not heard.harmony.any()


def test_samples_that_are_no_numbers_count_as_silence() -> None:
    signal = click_track(120, 0.5, 2, RATE)
    broken = signal.copy()
    broken[-100:] = np.nan
    assert np.isfinite(onsets(broken, RATE).strength).all()


def test_difference_is_none_for_one_chord_and_for_silence() -> None:
    chord = np.eye(12)[:1] + np.eye(12)[4:5]
    assert difference(chord, 3 * chord) == pytest.approx([0])
    assert difference(chord, np.zeros((1, 12))) == pytest.approx([0])
    assert difference(chord, np.eye(12)[1:2] + np.eye(12)[6:7])[0] > 1
