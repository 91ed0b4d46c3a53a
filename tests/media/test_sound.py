"""Songs through the real AAC encoder, and loudness, measured in what is decoded of the finished file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal

from qmv.errors import InputError, UnknownName
from qmv.media.audio import mono
from qmv.media.loudness import CEILING_DB, Loudness
from qmv.media.sound import SoundSettings, write_sound
from tests.media.helpers import chirps, lag_s, read_sound, song
from tests.media.helpers import write_sound as made_file
from tests.media.sounds import COPY, by_ffmpeg, by_pyav, film, heard, music, wav

NOISE = np.random.default_rng(5).standard_normal((3, 4 * 44100))
# softer towards the treble, as music is (AAC takes up to 1 dB off full white noise); peaks at -14 dB
STEADY = 0.05 * signal.lfilter([0.16], [1, -0.87], 2.5 * NOISE[:2]).astype(np.float32)


def figures(path: Path) -> tuple[float, float]:
    """Loudness in LUFS and true peak in dBTP of a finished file."""
    meter = Loudness()
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            meter.add(frame)
    lufs, peak_db = meter.figures()
    assert lufs is not None
    assert peak_db is not None
    return lufs, peak_db


# -- settings --------------------------------------------------------------------------------------------------------


def test_sound_is_aac_of_256_kbits_as_loud_as_the_song_unless_told_otherwise() -> None:
    assert SoundSettings() == SoundSettings(codec="aac", kbps=256, loudness_lufs=None)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kbps": 31}, "kbps must be at least 32 and at most 512"),
        ({"loudness_lufs": -41.0}, "loudness_lufs must be at least -40 and at most -5"),
        ({"loudness_lufs": -4.9}, "loudness_lufs must be at least -40 and at most -5"),
        ({"loudness_lufs": float("nan")}, "loudness_lufs must be at least -40"),
        ({"codec": "copy", "loudness_lufs": -14.0}, "loudness_lufs must be null where sound is copied"),
    ],
    ids=str,
)
def test_settings_refuse_what_cannot_be(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SoundSettings(**values)


def test_settings_know_their_codecs() -> None:
    with pytest.raises(UnknownName, match="Known: aac, copy"):
        SoundSettings(codec="mp3")


# -- AAC -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(44100, 1), (44100, 2), (48000, 2), (96000, 2), (8000, 1), (11025, 1), (192000, 1)]
)
def test_song_is_encoded_with_less_than_a_tenth_of_a_millisecond_of_lag(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    source = wav(tmp_path / "song", chirps(1.2, rate_hz, channels), rate_hz)
    assert write_sound(tmp_path / "song.mp4", song(source), SoundSettings()) == ()
    found, found_hz = read_sound(tmp_path / "song.mp4")
    assert abs(lag_s(found, chirps(1.2, found_hz)[0].astype(float), found_hz)) < 1e-4


@pytest.mark.parametrize("decode", [by_pyav, by_ffmpeg])
def test_first_sound_meets_the_first_frame_of_the_film(
    tmp_path: Path, decode: Callable[[Path], npt.NDArray[np.float32]]
) -> None:
    tune = song(wav(tmp_path / "song", chirps(2.0, 44100, 2)))
    found = decode(film(tmp_path, tune, SoundSettings()))
    assert abs(lag_s(found[0], heard(tune)[0], 44100)) < 1e-4


def test_song_of_six_channels_becomes_stereo(tmp_path: Path) -> None:
    source = wav(tmp_path / "song", chirps(1.0, 48000, 6), 48000)
    write_sound(tmp_path / "song.mp4", song(source), SoundSettings(kbps=128))
    with av.open(str(tmp_path / "song.mp4")) as container:
        assert container.streams.audio[0].codec_context.channels == 2
    found, found_hz = read_sound(tmp_path / "song.mp4")
    assert abs(lag_s(found, chirps(1.0, found_hz)[0].astype(float), found_hz)) < 0.001


@pytest.mark.parametrize(("rate_hz", "wanted_hz"), [(8000, 8000), (22050, 22050), (44100, 44100), (96000, 48000)])
def test_song_keeps_its_rate_where_players_know_it(tmp_path: Path, rate_hz: int, wanted_hz: int) -> None:
    source = wav(tmp_path / "song", chirps(0.5, rate_hz), rate_hz)
    write_sound(tmp_path / "song.mp4", song(source), SoundSettings(kbps=64))
    assert read_sound(tmp_path / "song.mp4")[1] == wanted_hz


def test_song_covers_its_window_only(tmp_path: Path) -> None:
    source = wav(tmp_path / "song", chirps(3.0, 44100))
    write_sound(tmp_path / "song.mp4", song(source, 0.5, 1.75), SoundSettings(kbps=128))
    found, rate_hz = read_sound(tmp_path / "song.mp4")
    wanted, _ = mono(song(source, 0.5, 1.75))
    assert abs(lag_s(found, wanted.astype(float), rate_hz)) < 0.001
    assert 1.25 <= len(found) / rate_hz < 1.25 + 2 * 1024 / 44100  # whole AAC frames


@pytest.mark.parametrize("settings", [SoundSettings(), SoundSettings(loudness_lufs=-16.0)], ids=["as it is", "-16"])
def test_song_has_the_same_bytes_twice(tmp_path: Path, settings: SoundSettings) -> None:
    source = wav(tmp_path / "song", music(1.0))
    for name in ("one.mp4", "two.mp4"):
        write_sound(tmp_path / name, song(source), settings)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_song_is_as_loud_as_its_source(tmp_path: Path) -> None:
    """Within 0.5 dB: AAC at 128 kbit/s."""
    source = wav(tmp_path / "song", chirps(1.5, 44100, 2))
    write_sound(tmp_path / "song.mp4", song(source), SoundSettings(kbps=128))
    found, _ = read_sound(tmp_path / "song.mp4")
    ratio = np.sqrt(np.mean(found**2)) / np.sqrt(np.mean(np.pad(chirps(1.5, 44100)[0], (0, 1024)) ** 2))
    assert 20 * np.log10(ratio) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(("channels", "wanted_kbps"), [(2, 256), (1, 128)])
def test_mono_takes_half_the_bits(tmp_path: Path, channels: int, wanted_kbps: int) -> None:
    """Within a tenth, on noise, which takes all the bits that it gets."""
    noise = np.random.default_rng(2).standard_normal((channels, 5 * 44100)).astype(np.float32) * np.float32(0.1)
    write_sound(tmp_path / "song.mp4", song(wav(tmp_path / "song", noise)), SoundSettings())
    assert (tmp_path / "song.mp4").stat().st_size * 8 / 5 / 1000 == pytest.approx(wanted_kbps, rel=0.1)


def test_left_and_right_keep_their_phase(tmp_path: Path) -> None:
    """Noise lies 12 dB below the treble of something wide, where intensity stereo has it at 7."""
    wide = NOISE[2] + 0.15 * NOISE[:2]
    samples = (0.1 * wide).astype(np.float32)
    tune = song(wav(tmp_path / "song", samples))
    write_sound(tmp_path / "song.mp4", tune, SoundSettings())
    found = by_pyav(tmp_path / "song.mp4")[:, : samples.shape[1]]
    treble = signal.butter(6, (8000, 12000), "bandpass", fs=44100, output="sos")
    wanted, noise = (signal.sosfilt(treble, values) for values in (samples, found - samples))
    assert 10 * np.log10((wanted**2).sum() / (noise**2).sum()) > 12


def test_window_without_a_sample_is_refused(tmp_path: Path) -> None:
    source = made_file(tmp_path / "song.m4a", music(1.0), 44100, "aac", "stereo")
    for settings in (SoundSettings(), COPY, SoundSettings(loudness_lufs=-14.0)):
        with pytest.raises(InputError, match="has no sound after start_s=5"):
            write_sound(tmp_path / "sound.mp4", song(source, 5.0), settings)


# -- loudness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("target_lufs", [-40.0, -23.0, -18.0])
def test_film_is_as_loud_as_asked(tmp_path: Path, target_lufs: float, channels: int) -> None:
    """To 0.3 LU, up and down."""
    tune = song(wav(tmp_path / "song", STEADY[:channels]))
    assert write_sound(tmp_path / "sound.mp4", tune, SoundSettings(loudness_lufs=target_lufs)) == ()
    assert figures(film(tmp_path, tune, SoundSettings(loudness_lufs=target_lufs)))[0] == pytest.approx(
        target_lufs, abs=0.3
    )


def test_loudness_is_that_of_the_window(tmp_path: Path) -> None:
    """A soft first half does not count where the second is asked for."""
    tune = song(wav(tmp_path / "song", np.concatenate([STEADY * np.float32(0.1), STEADY], axis=1)), 4.0)
    made = film(tmp_path, tune, SoundSettings(loudness_lufs=-20.0))
    assert figures(made)[0] == pytest.approx(-20, abs=0.3)


def test_loudness_is_held_back_where_the_true_peak_would_pass(tmp_path: Path) -> None:
    """Up to the ceiling, but for the half dB that AAC may add; and the note tells what is reached, to 0.3 LU."""
    tune = song(wav(tmp_path / "song", chirps(4.0, 44100, 2)))
    notes = write_sound(tmp_path / "sound.mp4", tune, SoundSettings(loudness_lufs=-8.0))
    lufs, peak_db = figures(tmp_path / "sound.mp4")
    assert peak_db == pytest.approx(CEILING_DB, abs=0.5)
    assert len(notes) == 1
    assert notes[0].endswith("LUFS, not -8.0 LUFS: any louder, its true peak would pass -1 dBTP")
    assert float(notes[0].split()[4]) == pytest.approx(lufs, abs=0.3)


def test_loudness_changes_no_dynamics(tmp_path: Path) -> None:
    """The same factor everywhere: what is left of the song after it is AAC's own noise, 20 dB below."""
    tune = song(wav(tmp_path / "song", music(3.0)))
    write_sound(tmp_path / "sound.mp4", tune, SoundSettings(loudness_lufs=-30.0))
    wanted = heard(tune)
    found = by_pyav(tmp_path / "sound.mp4")[:, : wanted.shape[1]]
    gain = (found * wanted).sum() / (wanted**2).sum()
    assert gain < 0.8
    assert ((found - gain * wanted) ** 2).sum() < 0.01 * (found**2).sum()


def test_silence_stays_silent_and_says_so(tmp_path: Path) -> None:
    tune = song(wav(tmp_path / "song", np.zeros((2, 44100), np.float32)))
    notes = write_sound(tmp_path / "sound.mp4", tune, SoundSettings(loudness_lufs=-14.0))
    assert notes == ("the sound is silent or too short to be measured, so it is not brought to -14.0 LUFS",)
    assert abs(by_pyav(tmp_path / "sound.mp4")).max() == 0
