"""Joining chunks and sound: every time stamp, the tags, and where the sound starts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from qmv.artifacts import Pictures
from qmv.media.coding import Coding
from qmv.media.encode import encode_chunk
from qmv.media.mux import join, tags
from qmv.media.probe import probe
from qmv.media.sound import encode_song
from tests.media.helpers import B_FRAMES, FAST, NTSC, chirps, decoded, flat_frame, lag_s, read_sound, song, write_sound

LENGTHS = (1, 2, 3, 1, 24, 61)


def level(number: int) -> int:
    """A grey of its own for each frame, far from its neighbours'."""
    return 20 + 37 * number % 211


def make_chunks(
    folder: Path, lengths: Sequence[int] = LENGTHS, fps: Fraction = NTSC, coding: Coding = B_FRAMES
) -> list[tuple[int, Path]]:
    made, first = [], 0
    for index, length in enumerate(lengths):
        path = folder / f"chunk{index}.mp4"
        encode_chunk(path, [flat_frame(level(first + i)) for i in range(length)], fps, coding)
        made.append((first, path))
        first += length
    return made


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """92 frames and their sound, joined."""
    folder = tmp_path_factory.mktemp("film")
    source = write_sound(folder / "song.wav", chirps(3.8, 44100, 2), 44100, "pcm_s16le", "stereo")
    encode_song(folder / "sound.mp4", song(source), 128)
    join(folder / "film.mp4", make_chunks(folder), folder / "sound.mp4", NTSC, {"title": "Größe", "artist": "夜"})
    return folder / "film.mp4"


def test_join_gives_every_frame_its_exact_time(film: Path) -> None:
    assert decoded(film)[1] == [number / NTSC for number in range(sum(LENGTHS))]


def test_join_shows_every_frame_in_its_place(film: Path) -> None:
    shown = [float(plane.mean()) for plane in decoded(film)[0]]
    assert shown == pytest.approx([level(number) for number in range(sum(LENGTHS))], abs=2)  # crf 18 on flat grey


def test_join_decodes_in_an_order_that_never_goes_back(film: Path) -> None:
    with av.open(str(film)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    assert all(a.dts < b.dts for a, b in itertools.pairwise(packets))
    assert all(packet.dts <= packet.pts for packet in packets)


def test_join_keeps_the_exact_rate(film: Path) -> None:
    made = probe(film)
    assert (made.fps, made.frames, made.exact, made.video_start_s) == (NTSC, sum(LENGTHS), True, 0)


def test_join_keeps_the_colour_tags(film: Path) -> None:
    assert probe(film).bt709


def test_join_puts_the_index_first(film: Path) -> None:
    assert probe(film).faststart


def test_join_starts_the_sound_at_zero(film: Path) -> None:
    assert probe(film).audio_start_s == 0


def test_join_keeps_the_sound_in_step_with_the_pictures(film: Path) -> None:
    heard, rate_hz = read_sound(film)
    assert abs(lag_s(heard, chirps(3.8, rate_hz)[0].astype(float), rate_hz)) < 0.001


def test_join_writes_the_tags(film: Path) -> None:
    with av.open(str(film)) as container:
        assert (container.metadata["title"], container.metadata["artist"]) == ("Größe", "夜")


def test_join_writes_the_same_bytes_twice(film: Path, tmp_path: Path) -> None:
    chunks = [
        (first, film.with_name(f"chunk{i}.mp4")) for i, first in enumerate([0, *itertools.accumulate(LENGTHS)][:-1])
    ]
    join(tmp_path / "again.mp4", chunks, film.with_name("sound.mp4"), NTSC, {"title": "Größe", "artist": "夜"})
    assert (tmp_path / "again.mp4").read_bytes() == film.read_bytes()


def test_join_has_a_key_frame_at_the_start_of_each_chunk(film: Path) -> None:
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        keys = [
            packet.pts * Fraction(stream.time_base) * NTSC
            for packet in container.demux(stream)
            if packet.pts is not None and packet.is_keyframe
        ]
    assert keys == [0, *itertools.accumulate(LENGTHS)][:-1]


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25, 2)], ids=str)
def test_join_is_exact_at_other_rates(tmp_path: Path, fps: Fraction) -> None:
    join(tmp_path / "film.mp4", make_chunks(tmp_path, (5, 1, 9), fps, FAST), None, fps, {})
    made = probe(tmp_path / "film.mp4")
    assert (made.fps, made.frames, made.exact) == (fps, 15, True)


def test_join_works_without_sound(tmp_path: Path) -> None:
    join(tmp_path / "film.mp4", make_chunks(tmp_path, (3, 2)), None, NTSC, {})
    assert probe(tmp_path / "film.mp4").audio_start_s is None


def test_join_takes_a_single_frame(tmp_path: Path) -> None:
    join(tmp_path / "film.mp4", make_chunks(tmp_path, (1,)), None, NTSC, {})
    assert decoded(tmp_path / "film.mp4")[1] == [0]


def test_tags_leave_out_an_unknown_artist(tmp_path: Path) -> None:
    (tmp_path / "song").write_bytes(b"x")
    plain = song(tmp_path / "song")
    none = Pictures(width_px=64, height_px=36, pictures=())
    assert tags(plain, none) == {"title": "Night Train", "artist": "The Pier"}
    assert tags(type(plain)(file=plain.file, title="Alone"), none) == {"title": "Alone"}
