"""The meter on EBU's own test signals, and the gain that follows from it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
import pytest

from qmv.media.loudness import CEILING_DB, Loudness, fitting_gain_db

RATE_HZ = 48000


def sine(level_db: float, seconds: float, hz: float = 1000.0, phase: float = 0.0) -> npt.NDArray[np.float32]:
    """[2, n], its peaks at `level_db` of full scale."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.tile((10 ** (level_db / 20) * np.sin(2 * np.pi * hz * time_s + phase)).astype(np.float32), (2, 1))


def figures(samples: npt.NDArray[np.float32], block: int = 1024) -> tuple[float | None, float | None]:
    meter = Loudness()
    for first in range(0, samples.shape[1], block):
        part = np.ascontiguousarray(samples[:, first : first + block])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo" if len(part) == 2 else "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
        meter.add(frame)
    return meter.figures()


@pytest.mark.parametrize("level_db", [-23, -33])
def test_loudness_of_a_steady_tone_is_that_of_ebu_tech_3341(level_db: float) -> None:
    """Its signals 1 and 2, to the 0.1 LU that it asks for."""
    assert figures(sine(level_db, 20))[0] == pytest.approx(level_db, abs=0.1)


def test_loudness_leaves_quiet_parts_out_as_ebu_tech_3341_does() -> None:
    """Its signal 3, 6 times shorter: the parts 13 LU below the middle fall under the relative gate."""
    parts = [sine(-36, 4), sine(-23, 20), sine(-36, 4)]
    assert figures(np.concatenate(parts, axis=1))[0] == pytest.approx(-23, abs=0.1)


def test_true_peak_lies_between_the_samples() -> None:
    """A quarter of the rate, sampled 45 degrees off its peaks: EBU Tech 3341 allows +0.2 and -0.4 dB."""
    wave = sine(-6, 1, hz=RATE_HZ / 4, phase=np.pi / 4)
    assert 20 * np.log10(abs(wave).max()) == pytest.approx(-9, abs=0.1)
    peak_db = figures(wave * np.hanning(wave.shape[1]).astype(np.float32))[1]
    assert peak_db is not None
    assert -6.4 <= peak_db <= -5.8


def test_loudness_is_the_same_in_any_blocks() -> None:
    noise = np.random.default_rng(4).standard_normal((2, 2 * RATE_HZ)).astype(np.float32) * 0.1
    assert figures(noise, 960) == figures(noise, 4096)


@pytest.mark.parametrize("samples", [np.zeros((2, RATE_HZ), np.float32), np.zeros((2, 0), np.float32)], ids=str)
def test_silence_has_no_loudness_and_no_peak(samples: npt.NDArray[np.float32]) -> None:
    assert figures(samples) == (None, None)


def test_less_than_a_gating_block_has_no_loudness() -> None:
    assert figures(sine(-10, 0.3))[0] is None


def test_gain_is_what_lies_between_loudness_and_target() -> None:
    assert fitting_gain_db(-20.0, -9.0, -14.0) == (pytest.approx(6.0), ())
    assert fitting_gain_db(-8.0, 0.5, -14.0) == (pytest.approx(-6.0), ())


def test_gain_is_held_back_by_the_true_peak_and_says_so() -> None:
    gain_db, notes = fitting_gain_db(-20.0, -4.0, -14.0)
    assert gain_db == pytest.approx(CEILING_DB + 4)
    assert notes == ("the sound is at -17.0 LUFS, not -14.0 LUFS: any louder, its true peak would pass -1 dBTP",)


def test_gain_lowers_what_is_soft_enough_but_peaks_too_high() -> None:
    gain_db, notes = fitting_gain_db(-15.0, 1.0, -14.0)
    assert gain_db == pytest.approx(-2)
    assert len(notes) == 1


def test_gain_that_is_held_back_by_nothing_that_shows_needs_no_note() -> None:
    gain_db, notes = fitting_gain_db(-15.0, -1.96, -14.0)
    assert (gain_db, notes) == (pytest.approx(0.96), ())


@pytest.mark.parametrize(("lufs", "peak_db"), [(None, None), (None, -3.0)])
def test_gain_of_what_cannot_be_measured_is_none_and_says_so(lufs: float | None, peak_db: float | None) -> None:
    gain_db, notes = fitting_gain_db(lufs, peak_db, -14.0)
    assert gain_db == 0
    assert "silent or too short" in notes[0]
