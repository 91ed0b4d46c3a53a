"""Clicks on beats: where they start, how they sound, and what is left of the song."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from qmv.artifacts import File, Song
from qmv.media.clicks import clicked, write_clicked

RATE_HZ = 44100


def test_clicks_start_at_the_samples_of_their_beats() -> None:
    silence = np.zeros((2, RATE_HZ), np.float32)
    times = [0.1, 0.350003, 0.9]
    heard = clicked(silence, RATE_HZ, times, [1, 2, 3])
    for time_s in times:
        start = round(time_s * RATE_HZ)
        assert heard[0, start] == np.abs(heard).max()
        assert not heard[:, start - 200 : start].any()
    assert np.array_equal(heard[0], heard[1])


def test_downbeats_click_an_octave_higher() -> None:
    heard = clicked(np.zeros((1, RATE_HZ), np.float32), RATE_HZ, [0.1, 0.5], [1, 2])[0]
    pitches = [
        np.abs(np.fft.rfft(heard[round(at * RATE_HZ) :][:2205], 44100)).argmax() for at in (0.1, 0.5)
    ]  # a bin a hertz
    assert pitches == pytest.approx([1800, 900], abs=40)


@pytest.mark.parametrize("level", [0.05, 0.5, 1.0, 3.0])
def test_nothing_clips(level: float) -> None:
    loud = np.full((2, RATE_HZ), level, np.float32)
    heard = clicked(loud, RATE_HZ, [n * 0.03 for n in range(30)], [1] * 30)
    assert np.abs(heard).max() < 1


def test_a_song_that_leaves_room_keeps_its_samples() -> None:
    song = np.random.default_rng(1).uniform(-0.3, 0.3, (2, RATE_HZ)).astype(np.float32)
    heard = clicked(song, RATE_HZ, [0.5], [1])
    assert np.array_equal(heard[:, : RATE_HZ // 2], song[:, : RATE_HZ // 2])


def test_a_beat_at_the_very_end_is_cut_off() -> None:
    assert clicked(np.zeros((1, 1000), np.float32), RATE_HZ, [999 / RATE_HZ], [0]).shape == (1, 1000)


def test_the_file_has_the_songs_rate_channels_and_length(tmp_path: Path) -> None:
    sides = np.random.default_rng(2).uniform(-0.2, 0.2, (48000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", sides, 48000, "FLOAT")
    song = Song(file=File.of(tmp_path / "song.wav"), title="song", start_s=0.25)
    write_clicked(song, [0.5], [1], tmp_path / "heard")
    heard, rate_hz = soundfile.read(tmp_path / "heard", dtype="float32")
    assert (rate_hz, heard.shape) == (48000, (36000, 2))
    assert heard[:24000] == pytest.approx(sides[12000:36000], abs=1 / 32000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_is_told_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros(48000), 48000)
    song = Song(file=File.of(tmp_path / "song.wav"), title="song")
    with pytest.raises(OSError, match="No space left"):
        write_clicked(song, [0.5], [1], Path("/dev/full"))
    assert capfd.readouterr().err == ""
