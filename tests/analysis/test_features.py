"""Loudness, harmony and timbre, against sounds of known loudness and pitch."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal

from qmv.analysis.features import HOP_S, features

K_WEIGHTING = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
    [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
]


def sine(hz: float, rate_hz: int, duration_s: float = 3.0, level: float = 1.0) -> npt.NDArray[np.float32]:
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (level * np.sin(math.tau * hz * t)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_features_measure_a_full_sine_as_the_standard_does(rate_hz: int) -> None:
    """BS.1770: a 997 Hz sine of full scale in one channel is -3.01 LKFS."""
    assert features(sine(997, rate_hz), rate_hz).loudness_db[8:16] == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("hz", [25, 60, 200, 2000, 5000, 12_000])
def test_features_weight_loudness_as_the_standard_does(hz: float) -> None:
    """Against the filters that BS.1770 gives for 48 kHz."""
    _, response = signal.sosfreqz(K_WEIGHTING, [hz], fs=48_000)
    expected = -3.01 - 0.69 + 20 * np.log10(np.abs(response[0]))
    assert features(sine(hz, 48_000), 48_000).loudness_db[8:16] == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize(("hz", "pitch_class"), [(440, 9), (220, 9), (523.25, 0), (311.13, 3)])
def test_features_tell_the_pitch_class(hz: float, pitch_class: int) -> None:
    chroma = features(sine(hz, 44100), 44100).chroma[8]
    assert (int(chroma.argmax()), float(chroma.max()) > 0.95) == (pitch_class, True)


def test_features_have_no_harmony_in_silence() -> None:
    assert not features(np.zeros(44100, np.float32), 44100).chroma.any()


def test_features_tell_a_bright_sound_from_a_dark_one_of_the_same_level() -> None:
    dark, bright = (features(sine(hz, 44100), 44100).timbre[8] for hz in (200, 4000))
    assert np.linalg.norm(dark - bright) > 1


@pytest.mark.parametrize("duration_s", [0.5, 16.0, 33.1])
def test_features_have_a_row_every_eighth_of_a_second(duration_s: float) -> None:
    found = features(sine(440, 8000, duration_s), 8000)
    assert {len(rows) for rows in found} == {math.ceil(duration_s / HOP_S)}


def test_features_do_not_depend_on_where_blocks_begin() -> None:
    """A song and the same song with 128 more windows in front: the rows that both have are the same."""
    rng = np.random.default_rng(1)
    late = (0.1 * rng.standard_normal(20 * 8000)).astype(np.float32)
    whole = np.concatenate([np.zeros(16 * 8000, np.float32), late])
    assert features(whole, 8000).loudness_db[132:] == pytest.approx(features(late, 8000).loudness_db[4:], abs=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_take_what_is_no_number_for_silence(value: float) -> None:
    assert all(np.isfinite(rows).all() for rows in features(np.full(8000, value, np.float32), 8000))
