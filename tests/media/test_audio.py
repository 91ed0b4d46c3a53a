"""Decoding: length and onsets to the sample, windows, and files that are no songs."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qmv.errors import InputError
from qmv.media import audio
from tests.media.helpers import chirps, lag_s, song, write_sound

LENGTH_S = 1.3
# suffix, codec, rate, and how many samples may follow the end: AAC in MP4 comes in whole frames of 1024
FORMATS = {
    "wav": ("wav", "pcm_s16le", 44100, 0),
    "wav 24 bit": ("wav", "pcm_s24le", 96000, 0),
    "wav float": ("wav", "pcm_f32le", 48000, 0),
    "flac": ("flac", "flac", 44100, 0),
    "mp3": ("mp3", "libmp3lame", 44100, 0),
    "mp3 22 kHz": ("mp3", "libmp3lame", 22050, 0),
    "opus": ("opus", "libopus", 48000, 0),
    "m4a": ("m4a", "aac", 44100, 1023),
    "m4a 48 kHz": ("m4a", "aac", 48000, 1023),
}


@pytest.fixture(params=FORMATS.items(), ids=lambda item: item[0])
def encoded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int, int]:
    suffix, codec, rate_hz, spare = request.param[1]
    path = write_sound(tmp_path / f"song.{suffix}", chirps(LENGTH_S, rate_hz, 2), rate_hz, codec, "stereo")
    return path, rate_hz, spare


def test_decoding_gives_every_sample_and_no_padding(encoded: tuple[Path, int, int]) -> None:
    path, rate_hz, spare = encoded
    count, _ = audio.sample_count(song(path))
    assert 0 <= count - round(LENGTH_S * rate_hz) <= spare


def test_decoding_keeps_onsets_within_a_millisecond(encoded: tuple[Path, int, int]) -> None:
    path, rate_hz, _ = encoded
    heard, heard_hz = audio.mono(song(path))
    assert heard_hz == rate_hz
    assert abs(lag_s(heard.astype(float), chirps(LENGTH_S, rate_hz)[0].astype(float), rate_hz)) < 0.001


def test_decoding_keeps_the_level(encoded: tuple[Path, int, int]) -> None:
    """Within 0.5 dB, what lossy codecs take away at the default rate."""
    path, rate_hz, _ = encoded
    power = [np.square(signal).sum() for signal in (audio.mono(song(path))[0], chirps(LENGTH_S, rate_hz)[0])]
    assert 10 * np.log10(power[0] / power[1]) == pytest.approx(0, abs=0.5)


def test_decoding_of_vorbis_keeps_onsets_and_nearly_all_samples(tmp_path: Path) -> None:
    """FFmpeg leaves out up to a short block, 128 samples, at the end."""
    soundfile.write(tmp_path / "song.ogg", chirps(LENGTH_S, 44100, 2).T, 44100, format="OGG", subtype="VORBIS")
    heard, _ = audio.mono(song(tmp_path / "song.ogg"))
    assert len(heard) == pytest.approx(LENGTH_S * 44100, abs=128)
    assert abs(lag_s(heard.astype(float), chirps(LENGTH_S, 44100)[0].astype(float), 44100)) < 0.001


def test_decoding_gives_the_same_samples_twice(encoded: tuple[Path, int, int]) -> None:
    first, second = (audio.mono(song(encoded[0]))[0] for _ in range(2))
    assert np.array_equal(first, second)


# -- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 1.0), (0.25, None), (0.1234, 0.9876), (0.5, 0.500023), (1.2, 99)])
@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "opus", "m4a"])
def test_a_window_is_cut_to_the_sample(tmp_path: Path, name: str, start_s: float, end_s: float | None) -> None:
    suffix, codec, rate_hz, _ = FORMATS[name]
    path = write_sound(tmp_path / f"song.{suffix}", chirps(LENGTH_S, rate_hz), rate_hz, codec, "mono")
    whole, _ = audio.mono(song(path))
    last = None if end_s is None else round(end_s * rate_hz)
    part, _ = audio.mono(song(path, start_s, end_s))
    assert np.array_equal(part, whole[round(start_s * rate_hz) : last])


def test_a_window_has_an_exact_length(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "song.wav", chirps(1.0, 44100), 44100, "pcm_s16le", "mono")
    assert audio.sample_count(song(path, 0.1, 0.7)) == (26460, Fraction(3, 5))


def test_a_window_after_the_end_is_a_sentence(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "song.wav", chirps(0.5, 44100), 44100, "pcm_s16le", "mono")
    with pytest.raises(InputError, match=r"has no sound after start_s=7; choose an earlier start_s\."):
        audio.mono(song(path, 7.0))


def test_blocks_are_small_however_long_the_song_is(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "song.wav", chirps(5.0, 44100), 44100, "pcm_s16le", "mono")
    assert max(block.shape[1] for block in audio.blocks(song(path))) <= 1 << 14


# -- channels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "channels", "given"), [("mono", 1, 1), ("stereo", 2, 2), ("5.1", 6, 2)])
def test_blocks_have_one_or_two_channels(tmp_path: Path, layout: str, channels: int, given: int) -> None:
    path = write_sound(tmp_path / "song.wav", chirps(0.3, 48000, channels), 48000, "pcm_s16le", layout)
    assert {block.shape[0] for block in audio.blocks(song(path))} == {given}
    assert audio.inspect(path).channels == given


def test_mono_is_the_mean_of_both_channels(tmp_path: Path) -> None:
    both = np.stack([np.full(4410, 0.5, np.float32), np.full(4410, -0.25, np.float32)])
    path = write_sound(tmp_path / "song.wav", both, 44100, "pcm_f32le", "stereo")
    assert audio.mono(song(path))[0] == pytest.approx(np.full(4410, 0.125), abs=1e-6)


# -- what a file says of itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "codec", "rate_hz"),
    [("mp3", "libmp3lame", 44100), ("flac", "flac", 44100), ("opus", "libopus", 48000), ("m4a", "aac", 44100)],
)
def test_inspect_reads_the_tags(tmp_path: Path, suffix: str, codec: str, rate_hz: int) -> None:
    tags = {"title": "Größe 夜", "artist": "The Pier"}
    path = write_sound(tmp_path / f"song.{suffix}", chirps(0.3, rate_hz), rate_hz, codec, "mono", **tags)
    info = audio.inspect(path)
    assert (info.title, info.artist, info.rate_hz) == ("Größe 夜", "The Pier", rate_hz)


def test_inspect_has_empty_words_for_a_file_without_tags(tmp_path: Path) -> None:
    info = audio.inspect(write_sound(tmp_path / "song.wav", chirps(0.3, 8000), 8000, "pcm_s16le", "mono"))
    assert (info.title, info.artist) == ("", "")


# -- files that are no songs -----------------------------------------------------------------------------------------


def test_a_missing_song_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"song \(.*none.mp3\): there is no such file; check the path"):
        audio.inspect(tmp_path / "none.mp3")


@pytest.mark.parametrize(
    ("written", "place"),
    [("none.mp3", " at {here}/none.mp3"), ("a/../none.mp3", " at {here}/none.mp3"), ("a/../song.wav", "")],
)
def test_a_missing_song_is_told_as_it_was_written_and_where_that_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, place: str
) -> None:
    """What is there, but not by way of a folder that is not, is not said to be away."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.wav").touch()
    with pytest.raises(InputError) as raised:
        audio.inspect(Path(written))
    where = place.format(here=tmp_path.resolve())
    assert str(raised.value) == (
        f"song ({written}): there is no such file{where}; check the path, or put it into quotes."
    )


def test_a_name_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"song \(.*\): cannot be read \(File name too long\)"):
        audio.inspect(tmp_path / ("long" * 80))


def test_a_folder_is_a_sentence_that_tells_how_to_take_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder; for all songs in it: -m 'song=glob\(\*\)' songs_dir="):
        audio.inspect(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("song.mp3", b"", "the file is empty"),
        ("song.mp3", b"these are words\n" * 200, "cannot be read as audio|has no sound in it"),
        ("song.txt", b"these are words\n" * 200, "cannot be read as audio|has no sound in it"),
        ("song.wav", bytes(5000), "cannot be read as audio|has no sound in it"),
        ("song.srt", b"1\n00:00:01,000 --> 00:00:02,000\nwords\n\n", "has no sound in it"),
    ],
)
def test_a_file_without_sound_is_a_sentence(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        audio.inspect(tmp_path / name)
    assert "give a song as mp3, wav, flac, ogg, opus or m4a" in str(caught.value)


def test_a_picture_is_no_song(tmp_path: Path) -> None:
    from qmv.media.picture import png

    (tmp_path / "song.mp3").write_bytes(png(np.zeros((36, 64, 3), np.uint8)))
    with pytest.raises(InputError, match="has no sound in it"):
        audio.inspect(tmp_path / "song.mp3")


def damaged(folder: Path, suffix: str, codec: str) -> Path:
    """Three seconds of noise with 400 bytes turned over in the middle."""
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 3 * 44100)).astype(np.float32)
    path = write_sound(folder / f"song.{suffix}", noise, 44100, codec, "mono")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(byte ^ 0x5A for byte in data[middle : middle + 400])
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("suffix", "codec"), [("mp3", "libmp3lame"), ("flac", "flac")])
def test_a_damaged_song_is_heard_as_far_as_it_goes(tmp_path: Path, suffix: str, codec: str) -> None:
    heard, rate_hz = audio.mono(song(damaged(tmp_path, suffix, codec)))
    assert 2.0 <= len(heard) / rate_hz <= 3.2


def test_a_damaged_song_is_mentioned_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="qmv"):
        audio.mono(song(damaged(tmp_path, "mp3", "libmp3lame")))
    assert "damaged packets, left out" in caplog.text


def test_a_song_that_was_cut_off_is_heard_up_to_there(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 3 * 44100)).astype(np.float32)
    path = write_sound(tmp_path / "song.mp3", noise, 44100, "libmp3lame", "mono")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert len(audio.mono(song(path))[0]) == pytest.approx(1.5 * 44100, rel=0.1)
