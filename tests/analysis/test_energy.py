"""Energy on the song's own scale, and its words."""

from __future__ import annotations

import numpy as np
import pytest

from qmv.analysis.energy import LEVELS, energy_curve, level
from qmv.analysis.features import HOP_S, Features


def heard(*levels_db: float, seconds: float = 10.0) -> Features:
    """Stretches of constant loudness."""
    loudness = np.repeat(np.array(levels_db, np.float64), round(seconds / HOP_S))
    return Features(loudness, np.zeros((len(loudness), 12)), np.zeros((len(loudness), 12)))


def words(*levels_db: float) -> list[str]:
    """The word in the middle of each stretch of 10 s."""
    curve = energy_curve(heard(*levels_db), 20 * len(levels_db))
    return [level(energy) for energy in curve[10::20]]


def test_energy_runs_from_calm_to_loud() -> None:
    assert words(-30, -20, -12) == ["calm", "normal", "loud"]


def test_energy_of_a_flat_song_is_normal_all_through() -> None:
    assert words(-14, -15, -13.5, -14.5) == ["normal"] * 4


@pytest.mark.parametrize("gain_db", [-30, -6, 5])
def test_energy_does_not_hang_on_the_level_of_the_file(gain_db: float) -> None:
    levels = np.array((-30.0, -20.0, -12.0))
    assert energy_curve(heard(*(levels + gain_db)), 60) == pytest.approx(energy_curve(heard(*levels), 60), abs=1e-9)


def test_energy_scale_is_not_stretched_by_a_long_pause() -> None:
    assert words(-20, -60, -60, -12)[::3] == ["calm", "loud"]


def test_energy_of_silence_is_nothing() -> None:
    assert energy_curve(heard(-120, -120), 40).max() == 0


def test_energy_stays_within_its_scale() -> None:
    rng = np.random.default_rng(3)
    curve = energy_curve(heard(*rng.uniform(-80, 0, 30), seconds=2), 120)
    assert (curve.min() >= 0, curve.max() <= 1) == (True, True)


def test_energy_rises_and_falls_smoothly() -> None:
    assert np.abs(np.diff(energy_curve(heard(-30, -12, -30), 60))).max() < 0.75


def test_energy_has_a_value_for_moments_past_the_last_window() -> None:
    assert len(energy_curve(heard(-20, seconds=1), 9)) == 9


@pytest.mark.parametrize(("energy", "word"), [(0, 0), (0.33, 0), (0.34, 1), (0.66, 1), (0.67, 2), (1, 2)])
def test_level_names_the_thirds(energy: float, word: int) -> None:
    assert level(energy) == LEVELS[word]
