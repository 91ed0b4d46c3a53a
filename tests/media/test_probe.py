"""What a finished file says, read back."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import pytest

from qmv.errors import InputError
from qmv.media.encode import encode_chunk
from qmv.media.mux import join
from qmv.media.probe import probe
from qmv.media.sound import encode_song
from tests.media.helpers import FAST, chirps, flat_frame, song, write_sound


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    source = write_sound(folder / "song.wav", chirps(1.0, 44100), 44100, "pcm_s16le", "mono")
    encode_song(folder / "sound.mp4", song(source), 64)
    encode_chunk(folder / "chunk.mp4", [flat_frame(40 + i) for i in range(25)], Fraction(25), FAST)
    join(folder / "film.mp4", [(0, folder / "chunk.mp4")], folder / "sound.mp4", Fraction(25), {})
    return folder


def test_probe_tells_size_rate_and_frames(parts: Path) -> None:
    made = probe(parts / "film.mp4")
    assert (made.width_px, made.height_px, made.fps, made.frames) == (64, 36, 25, 25)


def test_probe_tells_the_codecs(parts: Path) -> None:
    made = probe(parts / "film.mp4")
    assert (made.codec, made.audio_codec) == ("h264", "aac")


def test_probe_tells_how_long_the_sound_is(parts: Path) -> None:
    duration_s = probe(parts / "film.mp4").audio_duration_s
    assert duration_s is not None
    assert 1 <= duration_s < 1 + Fraction(2 * 1024, 44100)  # whole AAC frames


def test_probe_knows_no_sound_where_there_is_none(parts: Path) -> None:
    made = probe(parts / "chunk.mp4")
    assert (made.audio_start_s, made.audio_duration_s, made.audio_codec) == (None, None, None)


def test_probe_sees_that_the_index_stands_last(parts: Path) -> None:
    assert not probe(parts / "chunk.mp4").faststart


def test_probe_sees_a_gap_between_frames(parts: Path) -> None:
    with av.open(str(parts / "chunk.mp4")) as source, av.open(str(parts / "gap.mp4"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0], opaque=False)
        for number, packet in enumerate(p for p in source.demux(video=0) if p.pts is not None):
            if number != 10:
                packet.stream = stream
                out.mux(packet)
    made = probe(parts / "gap.mp4")
    assert (made.frames, made.exact) == (24, False)


def test_probe_sees_missing_colour_tags(parts: Path) -> None:
    with av.open(str(parts / "plain.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        frame = av.VideoFrame(64, 36, "yuv420p")
        for packet in itertools.chain(stream.encode(frame), stream.encode(None)):
            out.mux(packet)
    assert not probe(parts / "plain.mp4").bt709


def test_probe_refuses_a_file_that_is_no_video(parts: Path) -> None:
    (parts / "text.mp4").write_text("no video")
    with pytest.raises(InputError):
        probe(parts / "text.mp4")


def test_probe_refuses_a_file_of_sound_alone(parts: Path) -> None:
    with pytest.raises(InputError):
        probe(parts / "sound.mp4")
