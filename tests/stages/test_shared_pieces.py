"""Pieces of a video from a shared cache that are whole by their hashes, and nothing that a stage could use."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from qmv.api import Cache, Context
from qmv.artifacts import Song
from qmv.engine.parcels import pack, unpack
from qmv.engine.sharing import shared_cache, sharing
from qmv.events import Event, Notice
from qmv.media.coding import Coding
from qmv.media.encode import encode_chunk
from qmv.media.frame import Frame
from qmv.media.picture import png
from qmv.media.probe import probe
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_video import AssembleVideo
from qmv.stages.paint_pictures import PaintPictures
from qmv.stages.track_beats import TrackBeats
from qmv.testing import stage_context, style
from tests.media.helpers import chirps, song, write_sound
from tests.stages.helpers import HEIGHT, WIDTH, Tally, board, grey_of, grey_pictures, no_beats
from tests.stages.test_track_beats import Told

LENGTHS = (12, 14, 16)
Files = dict[str, bytes]


@pytest.fixture
def tune(tmp_path: Path) -> Song:
    return song(write_sound(tmp_path / "song.wav", chirps(1.75, 44100, 2), 44100, "pcm_s16le", "stereo"))


def on(tmp_path: Path, machine: str, work: Callable[[Context], object]) -> list[str]:
    """What a machine with the shared cache of `tmp_path` is told while it works."""
    told: list[Event] = []
    ctx = stage_context(tmp_path / machine, publish=told.append)
    ctx.cache = Cache(tmp_path / machine / "cache", shared_cache(str(tmp_path / "shared"), sends=True))
    with sharing(ctx.cache, ctx.notice):
        work(ctx)
    return [event.message for event in told if isinstance(event, Notice)]


def parcels(tmp_path: Path, area: str) -> list[Path]:
    return sorted((tmp_path / "shared" / area).rglob("*.qmv1"))


def forge(tmp_path: Path, area: str, change: Callable[[Files], Files]) -> bytes:
    """Replaces an entry by one with right hashes; gives the bytes that it had."""
    place = parcels(tmp_path, area)[0]
    before, folder = place.read_bytes(), tmp_path / "forger" / area
    folder.mkdir(parents=True)
    unpack(place, folder, area=area, key=place.stem, secret=b"")
    files = change({file.name: file.read_bytes() for file in folder.iterdir()})

    def fill(part: Path) -> None:
        for name, data in files.items():
            (part / name).write_bytes(data)

    forged = Cache(tmp_path / "forger" / "cache").put(area, place.stem, fill)
    pack(forged, place, area=area, key=place.stem, secret=b"")
    return before


def assembled(tmp_path: Path, tune: Song) -> Callable[[Context], object]:
    pictures = grey_pictures(tmp_path / "pictures", [grey_of(index) for index in range(len(LENGTHS))])
    stage = AssembleVideo(motion=Still(), transition=Cut(), encoder=X264(preset="ultrafast"), audio_kbps=64)
    return lambda ctx: stage.run(ctx, song=tune, beats=no_beats(), storyboard=board(LENGTHS), pictures=pictures)


def other_chunk(tmp_path: Path, files: Files) -> bytes:
    """One with another number of frames."""
    for place in parcels(tmp_path, "chunks"):
        folder = tmp_path / "others" / place.stem
        folder.mkdir(parents=True)
        unpack(place, folder, area="chunks", key=place.stem, secret=b"")
        if (data := (folder / "chunk.mp4").read_bytes()) != files["chunk.mp4"]:
            return data
    raise AssertionError("all chunks are alike")


CHUNKS: dict[str, Callable[[Path, Files], bytes]] = {
    "empty": lambda _, files: b"",
    "garbage": lambda _, files: b"\xff" * 3000,
    "cut": lambda _, files: files["chunk.mp4"][:40],
    "of other frames": other_chunk,
    "sound": lambda at, files: next((at / "first" / "cache" / "sound").rglob("sound.mp4")).read_bytes(),
}


@pytest.mark.parametrize("kind", CHUNKS)
def test_shared_chunk_that_is_none_is_made_anew(tmp_path: Path, tune: Song, kind: str) -> None:
    work = assembled(tmp_path, tune)
    on(tmp_path, "first", work)
    whole = forge(tmp_path, "chunks", lambda files: {"chunk.mp4": CHUNKS[kind](tmp_path, files)})
    [words] = on(tmp_path, "second", work)
    assert re.search(r"an entry is broken in the shared cache \(chunks: it holds something else", words)
    assert parcels(tmp_path, "chunks")[0].read_bytes() == whole
    videos = [(tmp_path / machine / "work" / "video.mp4").read_bytes() for machine in ("first", "second")]
    assert videos[0] == videos[1]


def of_another_codec(tmp_path: Path, chunk: bytes) -> bytes:
    """As many frames of the same size, as MPEG-4 part 2."""
    path = tmp_path / "chunk.mp4"
    path.write_bytes(chunk)
    frames = [Frame.grey(WIDTH, HEIGHT)] * probe(path).frames
    encode_chunk(path, frames, Fraction(24), Coding(codec="mpeg4", options=()))
    return path.read_bytes()


def test_shared_chunk_of_another_codec_is_made_anew(tmp_path: Path, tune: Song) -> None:
    work = assembled(tmp_path, tune)
    on(tmp_path, "first", work)
    forge(tmp_path, "chunks", lambda files: {"chunk.mp4": of_another_codec(tmp_path, files["chunk.mp4"])})
    assert len(on(tmp_path, "second", work)) == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [("sound.mp4", b""), ("sound.mp4", b"\xff" * 3000), ("notes.json", b"[" * 60_000), ("notes.json", b'["\x1b"]')],
    ids=["empty", "garbage", "deep", "controls"],
)
def test_shared_sound_that_is_none_is_made_anew(tmp_path: Path, tune: Song, name: str, data: bytes) -> None:
    """And the rest is fetched as ever."""
    work = assembled(tmp_path, tune)
    on(tmp_path, "first", work)
    whole = forge(tmp_path, "sound", lambda files: files | {name: data})
    [words] = on(tmp_path, "second", work)
    assert "(sound: it holds something else" in words
    assert parcels(tmp_path, "sound")[0].read_bytes() == whole


def test_shared_sound_that_is_a_picture_is_made_anew(tmp_path: Path, tune: Song) -> None:
    work = assembled(tmp_path, tune)
    on(tmp_path, "first", work)
    chunk = next((tmp_path / "first" / "cache" / "chunks").rglob("chunk.mp4")).read_bytes()
    forge(tmp_path, "sound", lambda files: files | {"sound.mp4": chunk})
    assert len(on(tmp_path, "second", work)) == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("picture.png", b"evil"), ("picture.png", png(np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8))),
        ("picture.yuv", b"short"),
    ],
    ids=["garbage", "another size", "planes"],
)  # fmt: skip
def test_shared_picture_that_is_none_is_made_anew(tmp_path: Path, name: str, data: bytes) -> None:
    provider = Tally(ledger=str(tmp_path / "ledger"))
    stage = PaintPictures(image=provider, width=WIDTH, height=HEIGHT)

    def work(ctx: Context) -> object:
        return stage.run(ctx, style=style(), storyboard=board(LENGTHS))

    on(tmp_path, "first", work)
    whole = forge(tmp_path, "pictures", lambda files: files | {name: data})
    [words] = on(tmp_path, "second", work)
    assert "an entry is broken in the shared cache (pictures: " in words
    assert parcels(tmp_path, "pictures")[0].read_bytes() == whole


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb'"times_s": \[', b'"times_s": [NaN,'), (rb'"times_s": \[', b'"times_s": [1e999,'),
        (rb"0\.1", b"0.9"), (rb'"confidence": 1\.0', b'"confidence": Infinity'),
        (rb'"duration_s": "', b'"duration_s": "-'),
        (rb'"energy_step_s": [0-9.]+', b'"energy_step_s": 0'), (rb'"bar_position": \[\s*0,', b'"bar_position": ['),
    ],
    ids=["NaN", "1e999", "falling", "infinite", "negative", "no step", "too few positions"],
)  # fmt: skip
def test_shared_beats_that_are_none_are_tracked_anew(tmp_path: Path, tune: Song, old: bytes, new: bytes) -> None:
    def work(ctx: Context) -> object:
        return TrackBeats(tracker=Told(times=(0.1, 0.6, 1.1))).run(ctx, tune)

    on(tmp_path, "first", work)
    whole = forge(tmp_path, "whole_beats", lambda files: {"beats.json": re.sub(old, new, files["beats.json"], count=1)})
    assert parcels(tmp_path, "whole_beats")[0].read_bytes() != whole
    [words] = on(tmp_path, "second", work)
    assert "an entry is broken in the shared cache (whole_beats: " in words
    assert parcels(tmp_path, "whole_beats")[0].read_bytes() == whole


def test_whole_entries_are_used_as_they_are(tmp_path: Path, tune: Song) -> None:
    """The checks find nothing in what machines really make."""
    for work in (
        assembled(tmp_path, tune),
        lambda ctx: TrackBeats(tracker=Told(times=(0.1, 0.6, 1.1))).run(ctx, tune),
    ):
        assert on(tmp_path, "first", work) == on(tmp_path, "second", work) == []
