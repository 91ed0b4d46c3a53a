"""Copied AAC, to the sample, by two decoders; and what cannot be copied."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import av
import pytest

from qmv.errors import InputError
from qmv.media.audio import mono
from qmv.media.sound import encode_song, write_sound
from tests.media.helpers import chirps, lag_s, read_sound, song
from tests.media.helpers import write_sound as made_file
from tests.media.sounds import COPY, by_ffmpeg, by_pyav, film, heard, music, wav

WINDOWS = [(0.0, None), (0.0, 1.5), (0.01, None), (1.2345, 2.71), (30 * 1024 / 44100, 60 * 1024 / 44100), (1.0, 1.05)]


def aac(path: Path, seconds: float = 3.0, rate_hz: int = 44100, channels: int = 2) -> Path:
    """An M4A; without noise substitution, whose random numbers each decoder draws as it likes."""
    encode_song(path, song(wav(path, music(seconds, rate_hz, channels), rate_hz)), 128)
    return path


def remuxed(source: Path, path: Path, first_pts: int | None = None) -> Path:
    """The same packets in another container, and the first one at another time where that is told."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.audio[0], opaque=False)
        for number, packet in enumerate(packet for packet in old.demux(audio=0) if packet.size):
            packet.stream = stream
            if first_pts is not None:
                packet.pts = packet.dts = first_pts + number * 1024
            new.mux(packet)
    return path


@pytest.mark.parametrize(
    ("kind", "window"),
    [*(("m4a", window) for window in WINDOWS), *itertools.product(("aac", "mov", "mkv", "ts"), WINDOWS[:4:3])],
    ids=str,
)
def test_copied_sound_is_the_songs_to_the_sample(tmp_path: Path, kind: str, window: tuple[float, float | None]) -> None:
    """From the window's first sample to its last, bit by bit; its end lies in a packet, and MP4 counts it in ms."""
    source = aac(tmp_path / "source.m4a")
    tune = song(source if kind == "m4a" else remuxed(source, tmp_path / f"song.{kind}"), *window)
    made, wanted = film(tmp_path, tune, COPY), heard(tune)
    length, more = wanted.shape[1], by_pyav(made)
    assert length <= more.shape[1] < length + 1024
    assert (more[:, :length] == wanted).all()
    played = by_ffmpeg(made)
    assert abs(played.shape[1] - length) <= 0.001 * 44100
    common = min(length, played.shape[1])
    assert abs(played[:, :common] - wanted[:, :common]).max() < 1e-6


@pytest.mark.parametrize("priming", [576, 2112, 3072])
@pytest.mark.parametrize("window", [(0.0, None), (0.001, 2.0)], ids=str)
def test_copied_sound_skips_any_encoders_delay(
    tmp_path: Path, priming: int, window: tuple[float, float | None]
) -> None:
    source = remuxed(aac(tmp_path / "source.m4a"), tmp_path / "song.mp4", first_pts=-priming)
    tune = song(source, *window)
    made, wanted = film(tmp_path, tune, COPY), heard(tune)
    for found in (by_pyav(made), by_ffmpeg(made)):
        common = min(found.shape[1], wanted.shape[1])
        assert abs(found[:, :common] - wanted[:, :common]).max() < 1e-6
        assert common > wanted.shape[1] - 45


@pytest.mark.parametrize(("rate_hz", "channels"), [(22050, 1), (48000, 2)])
def test_copied_sound_keeps_rate_and_channels(tmp_path: Path, rate_hz: int, channels: int) -> None:
    tune = song(aac(tmp_path / "song.m4a", 2.0, rate_hz, channels), 0.4, 1.6)
    assert write_sound(tmp_path / "sound.mp4", tune, COPY) == ()
    wanted = heard(tune)
    assert (by_pyav(tmp_path / "sound.mp4")[:, : wanted.shape[1]] == wanted).all()
    assert read_sound(tmp_path / "sound.mp4")[1] == rate_hz


def test_copied_sound_has_the_songs_own_bytes(tmp_path: Path) -> None:
    """Nothing is encoded: packets from the one before the window's first on."""
    source = aac(tmp_path / "song.m4a")
    write_sound(tmp_path / "sound.mp4", song(source, 1.0, 2.0), COPY)
    with av.open(str(source)) as old, av.open(str(tmp_path / "sound.mp4")) as new:
        theirs, ours = ([bytes(packet) for packet in file.demux(audio=0) if packet.size] for file in (old, new))
    at = theirs.index(ours[0])
    assert at == 44100 // 1024  # the packet with the first sample, counted from the one of encoder delay
    assert theirs[at : at + len(ours)] == ours


def test_copied_sound_has_the_same_bytes_twice(tmp_path: Path) -> None:
    source = aac(tmp_path / "song.m4a", 1.0)
    for name in ("one.mp4", "two.mp4"):
        write_sound(tmp_path / name, song(source, 0.2, 0.8), COPY)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_copied_sound_says_where_players_may_not_know_its_rate(tmp_path: Path) -> None:
    source = made_file(tmp_path / "song.m4a", music(0.5, 96000), 96000, "aac", "stereo")
    notes = write_sound(tmp_path / "sound.mp4", song(source), COPY)
    assert [note for note in notes if "96000 Hz" in note and "audio=aac" in note] == list(notes) != []


def test_copied_sound_leaves_damaged_packets_out_as_the_song_is_heard(tmp_path: Path) -> None:
    source = remuxed(aac(tmp_path / "source.m4a"), tmp_path / "song.aac")
    data = bytearray(source.read_bytes())
    middle = data.index(b"\xff\xf1", len(data) // 2)
    data[middle + 7 : middle + 200] = bytes(193)
    source.write_bytes(data)
    wanted = heard(song(source))
    write_sound(tmp_path / "sound.mp4", song(source), COPY)
    assert abs(by_pyav(tmp_path / "sound.mp4").shape[1] - wanted.shape[1]) <= 1024
    late = lag_s(by_pyav(tmp_path / "sound.mp4")[0, -44100:], wanted[0, -44100:], 44100)
    assert abs(late) < 0.001


@pytest.mark.parametrize(("codec", "suffix", "name"), [("libmp3lame", "mp3", "mp3"), ("pcm_s16le", "wav", "pcm_s16le")])
def test_only_aac_can_be_copied(tmp_path: Path, codec: str, suffix: str, name: str) -> None:
    source = made_file(tmp_path / f"song.{suffix}", music(0.5), 44100, codec, "stereo")
    with pytest.raises(InputError) as refused:
        write_sound(tmp_path / "sound.mp4", song(source), COPY)
    assert str(refused.value) == (
        f"song ({source}): its sound is {name}, only AAC can be copied; audio=aac encodes it."
    )


def test_more_than_two_channels_are_not_copied(tmp_path: Path) -> None:
    source = made_file(tmp_path / "song.m4a", chirps(0.5, 48000, 6), 48000, "aac", "5.1")
    with pytest.raises(InputError, match="has 6 channels, only mono and stereo can be copied; audio=aac"):
        write_sound(tmp_path / "sound.mp4", song(source), COPY)


def test_he_aac_is_not_copied(tmp_path: Path) -> None:
    """Made from plain AAC whose description says that its upper half is to be rebuilt (ISO/IEC 14496-3, 1.6.2.1)."""
    plain = aac(tmp_path / "plain.m4a", 1.0, 22050)
    lc, sbr = bytes.fromhex("139056e500"), bytes.fromhex("2b92100000")  # 22050 Hz; the same, and 44100 Hz from SBR
    data = plain.read_bytes()
    assert data.count(lc) == 1
    source = tmp_path / "song.m4a"
    source.write_bytes(data.replace(lc, sbr))
    assert mono(song(source))[1] == 44100
    with pytest.raises(InputError, match=r"another AAC than AAC-LC \(HE-AAC, for instance\).* audio=aac encodes it"):
        write_sound(tmp_path / "sound.mp4", song(source), COPY)


def boxed(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def with_edits(path: Path, edits: list[tuple[int, int]]) -> Path:
    """The MP4 with another edit list, given as (milliseconds, first sample); its index must stand last."""
    data = path.read_bytes()
    body = struct.pack(">II", 0, len(edits)) + b"".join(struct.pack(">IiI", *edit, 1 << 16) for edit in edits)
    at = data.index(b"edts") - 4
    size = struct.unpack(">I", data[at : at + 4])[0]
    made = bytearray(data[:at] + boxed(b"edts", boxed(b"elst", body)) + data[at + size :])
    for kind in (b"moov", b"trak"):
        start = made.index(kind) - 4
        longer = struct.unpack(">I", made[start : start + 4])[0] + len(made) - len(data)
        made[start : start + 4] = struct.pack(">I", longer)
    path.write_bytes(made)
    return path


def test_song_that_was_cut_by_an_edit_list_is_not_copied(tmp_path: Path) -> None:
    source = with_edits(aac(tmp_path / "song.m4a"), [(1000, 1024), (1000, 1024 + 2 * 44100)])
    assert len(mono(song(source))[0]) < 2.2 * 44100
    with pytest.raises(InputError, match=r"was cut without encoding it anew.* audio=aac encodes it"):
        write_sound(tmp_path / "sound.mp4", song(source), COPY)
