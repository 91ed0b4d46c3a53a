"""How late a sound is in a file, and how loud: made samples at known places."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from qmv.proof.song import Stretch, ends, loudest
from qmv.proof.sound import Heard, Lag, lag, prove_sound
from tests.media.helpers import chirps, song, write_sound

RATE_HZ = 44100
Samples = npt.NDArray[np.float32]


def noise(count: int, seed: int = 0) -> Samples:
    return (0.1 * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def shifted(samples: Samples, by: float) -> Samples:
    """Later by a number of samples that need not be whole, by the phase of the spectrum."""
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(samples)) * by)
    return np.fft.irfft(np.fft.rfft(samples) * turn, len(samples)).astype(np.float32)


# -- pure ------------------------------------------------------------------------------------------------------------


def late_samples(wanted: Samples, heard: Samples, first: float) -> float:
    found = lag(wanted, heard, RATE_HZ, first).late_s
    assert found is not None
    return found * RATE_HZ


@pytest.mark.parametrize("late", [-400.0, -0.25, 0.0, 0.5, 137.3])
def test_lag_is_found_to_a_tenth_of_a_sample(late: float) -> None:
    sound = chirps(1.0, RATE_HZ)[0]
    padded = np.pad(sound, 1000)
    assert late_samples(sound, shifted(padded, late), -1000) == pytest.approx(late, abs=0.1)


def test_lag_is_found_at_a_tenth_of_the_volume_and_upon_an_offset() -> None:
    sound = noise(20_000)
    assert late_samples(sound, np.pad(sound, (700, 900)) * 0.1 + 0.3, -500) == pytest.approx(200, abs=0.1)


@pytest.mark.parametrize("heard", [noise(24_000, seed=1), np.zeros(24_000, np.float32)], ids=["another", "silence"])
def test_lag_of_another_sound_is_not_known(heard: Samples) -> None:
    assert lag(noise(20_000), heard, RATE_HZ, -2000) == Lag(late_s=None, other=True)


def test_lag_of_a_sound_that_repeats_itself_is_the_nearest_one() -> None:
    pulse = np.tile(np.r_[noise(500), np.zeros(9500, np.float32)], 5).astype(np.float32)
    assert late_samples(pulse[:20_000], pulse, -20_000) == pytest.approx(0, abs=0.1)


def test_lag_of_a_note_alone_is_not_known_though_it_is_the_same_sound() -> None:
    note = (0.5 * np.sin(2 * np.pi * 440 * np.arange(40_000) / RATE_HZ)).astype(np.float32)
    assert lag(note[5000:35_000], note, RATE_HZ, -5000) == Lag(late_s=None)


def test_lag_under_a_bass_note_is_told_by_the_treble() -> None:
    """The bass repeats itself after 882 samples, which is how late the sound is."""
    bass = np.sin(2 * np.pi * 50 * np.arange(40_000) / RATE_HZ).astype(np.float32)
    sound = 0.4 * bass + 0.1 * noise(40_000)
    assert late_samples(sound[5000:35_000], np.roll(sound, 882), -5000) == pytest.approx(882, abs=0.1)


def test_loudest_is_the_stretch_with_the_most_power() -> None:
    samples = noise(20 * 1000) * 0.1
    samples[7000:10_000] *= 10
    found = loudest(samples, 1000, offset=500)
    assert found is not None
    assert (found.start_s, len(found.samples)) == (Fraction(7500, 1000), 3000)


def test_loudest_of_silence_is_none() -> None:
    assert loudest(np.zeros(5000, np.float32), 1000, 0) is None


@pytest.mark.parametrize("rate_hz", [44100, 48000, 22050])
def test_heard_finds_a_stretch_at_another_rate(rate_hz: int) -> None:
    """To 0.05 ms, from blocks of 1024 samples that begin anywhere."""
    whole = chirps(4.0, RATE_HZ)[0]
    ear = Heard(Stretch(whole[RATE_HZ : 2 * RATE_HZ], RATE_HZ, Fraction(1)))
    played = chirps(4.0, rate_hz)[0]
    for first in range(0, len(played), 1024):
        ear.add(played[None, first : first + 1024], Fraction(first, rate_hz) + Fraction(1, 100), rate_hz)
    found = ear.lag()
    assert found.late_s == pytest.approx(0.010, abs=5e-5)


# -- files -----------------------------------------------------------------------------------------------------------


def film_sound(folder: Path, samples: Samples) -> Path:
    """A file that has nothing but sound, as AAC."""
    return write_sound(folder / "film.mp4", samples, RATE_HZ, "aac", "stereo")


def test_ends_are_taken_near_the_start_and_near_the_end(tmp_path: Path) -> None:
    samples = np.zeros((2, 60 * 8000), np.float32)
    for at_s in (5, 30, 52):
        samples[:, at_s * 8000 : (at_s + 1) * 8000] = noise(8000)
    head, tail, song_s = ends(song(write_sound(tmp_path / "a.wav", samples, 8000, "pcm_s16le", "stereo")))
    assert head is not None
    assert tail is not None
    assert [math.floor(head.start_s) in (2, 3, 4, 5), math.floor(tail.start_s) in (49, 50, 51, 52)] == [True, True]
    assert song_s == 60


def test_sound_of_silence_cannot_be_placed_and_is_no_other(tmp_path: Path) -> None:
    silence = np.zeros((2, 2 * RATE_HZ), np.float32)
    source = song(write_sound(tmp_path / "a.wav", silence, RATE_HZ, "pcm_s16le", "stereo"))
    found = prove_sound(film_sound(tmp_path, silence), source)
    assert (found.start, found.end) == (Lag(late_s=None), Lag(late_s=None))
    assert (found.loudness_lufs, found.true_peak_db, found.clipped) == (None, None, 0)


def test_sound_that_is_silent_at_its_start_is_placed_by_its_end(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros((2, 2 * RATE_HZ), np.float32), chirps(2.0, RATE_HZ, 2)], axis=1)
    source = song(write_sound(tmp_path / "a.wav", samples, RATE_HZ, "pcm_s16le", "stereo"))
    found = prove_sound(film_sound(tmp_path, samples), source)
    assert found.start == Lag(late_s=None)
    assert found.end.late_s == pytest.approx(0, abs=1e-4)


def test_loudness_is_that_of_ebu_tech_3341(tmp_path: Path) -> None:
    """Its first test signal: a stereo sine of 1 kHz at -23 dB full scale has -23 LUFS, to 0.1 LU."""
    time_s = np.arange(8 * 48000) / 48000
    sine = np.tile((10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32), (2, 1))
    source = song(write_sound(tmp_path / "a.wav", sine, 48000, "pcm_s16le", "stereo"))
    found = prove_sound(source.file.path, source)
    assert found.loudness_lufs == pytest.approx(-23, abs=0.1)
    assert found.true_peak_db == pytest.approx(-23, abs=0.2)


def test_clipped_samples_are_counted(tmp_path: Path) -> None:
    square = (1.2 * np.sign(np.sin(np.arange(2 * RATE_HZ) / 40))).astype(np.float32)
    source = song(write_sound(tmp_path / "a.wav", np.tile(square, (2, 1)), RATE_HZ, "pcm_s16le", "stereo"))
    assert prove_sound(source.file.path, source).clipped > RATE_HZ
