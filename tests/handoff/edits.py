"""Edits to write timelines of, made of values: no file is read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.artifacts import Beats, File, Picture, Pictures, Section, Song, Storyboard, Video
from qmv.handoff.edit import Edit, Sound, edit_of
from qmv.testing import song_shot

NTSC = Fraction(24000, 1001)
HZ = 44100


def a_file(name: str) -> File:
    return File(path=Path("/nowhere") / name, sha256="0" * 64, size_bytes=1)


def a_board(lengths: Sequence[int], fps: Fraction = NTSC, **changes: Any) -> Storyboard:
    starts = itertools.accumulate([0, *lengths])
    words = {"section": "chorus", "negative_prompt": "text", "lyric": "over the rails"} | changes
    shots = tuple(
        song_shot(length, start=start, index=index, **words)
        for index, (length, start) in enumerate(zip(lengths, starts))
    )
    return Storyboard(fps=fps, frames=sum(lengths), shots=shots)


def some_pictures(count: int, missing: Sequence[int] = ()) -> Pictures:
    made = tuple(
        Picture(
            file=a_file("picture.png"), width_px=64, height_px=36, provider="canvas", seed=100 + number,
            prompt=f"picture {number}",
        )
        for number in range(count)
        if number not in missing
    )  # fmt: skip
    return Pictures(width_px=64, height_px=36, pictures=made, missing=tuple(missing))


def some_beats(frames: int, fps: Fraction = NTSC, count: int | None = None, meter: int = 4) -> Beats:
    """Beats each half second from 0.25 s on, the second one a downbeat; two sections."""
    duration_s = Fraction(int(frames / fps * HZ), HZ)
    wanted = int(duration_s * 2 - Fraction(1, 2)) if count is None else count
    times = tuple(0.25 + 0.5 * number for number in range(wanted) if 0.25 + 0.5 * number < duration_s)
    middle = float(duration_s / 2)
    return Beats(
        times_s=times,
        bar_position=tuple((number - 1) % meter + 1 if meter else 0 for number in range(len(times))),
        tempo_bpm=120.0,
        confidence=1.0,
        duration_s=duration_s,
        sections=(
            Section(start_s=0.0, end_s=middle, label="verse", energy=0.25),
            Section(start_s=middle, end_s=float(duration_s), label="chorus", energy=0.75),
        ),
    )


def an_edit(
    lengths: Sequence[int] = (48, 24, 24), fps: Fraction = NTSC, *, title: str = "Night Train", first: int = 0,
    dissolve_s: float = 0.0, beats: Beats | None = None, missing: Sequence[int] = (), size: tuple[int, int] = (64, 36),
) -> Edit:  # fmt: skip
    board = a_board(lengths, fps)
    beats = beats or some_beats(board.frames, fps)
    samples = round(beats.duration_s * HZ)
    sound = Sound(
        file="song.flac", name=title, rate_hz=HZ, channels=2, first=first, samples=samples, length=first + samples + HZ
    )
    return edit_of(
        song=Song(file=a_file("a song.flac"), title=title, artist="The Pier", start_s=first / HZ),
        beats=beats,
        storyboard=board,
        pictures=some_pictures(len(lengths), missing),
        video=Video(
            file=a_file("video.mp4"), width_px=size[0], height_px=size[1], fps=fps, frames=board.frames, title=title
        ),
        sound=sound,
        transition="crossfade" if dissolve_s else "cut",
        dissolve_s=dissolve_s,
    )
