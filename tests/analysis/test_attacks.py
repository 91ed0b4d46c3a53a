"""Attacks are where clicks and notes begin."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.analysis.attacks import attacks


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_attacks_are_where_notes_begin(rate_hz: int) -> None:
    at_s = np.array([0.5, 1.013, 2.222, 29.3])
    samples, t = np.zeros(30 * rate_hz, np.float32), np.arange(round(0.3 * rate_hz)) / rate_hz
    for first in np.round(at_s * rate_hz).astype(int):
        samples[first : first + len(t)] += 0.5 * np.sin(2 * np.pi * 440 * t) * np.exp(-10 * t)
    found, strength = attacks(samples, rate_hz)
    assert found == pytest.approx(at_s, abs=0.01)
    assert strength == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("count", [0, 1, 100, 44100])
def test_attacks_in_silence_are_none(count: int) -> None:
    assert len(attacks(np.zeros(count, np.float32), 44100)[0]) == 0
