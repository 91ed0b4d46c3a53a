"""The pieces that a video is made of, each into the cache by a key of its own, side by side in worker processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qmv.api import Cache, Context
from qmv.artifacts import Song
from qmv.media.chunk import Chunk, write_chunk
from qmv.media.coding import Coding
from qmv.media.sound import SoundSettings, write_sound

__all__ = ["CHUNKS", "SOUND", "ChunkTask", "SoundTask", "do_all"]

CHUNKS, SOUND = "chunks", "sound"  # areas of the cache


@dataclass(frozen=True)
class ChunkTask:
    """A chunk to encode into the cache."""

    area = CHUNKS
    cache: Cache
    key: str
    chunk: Chunk
    fps: Fraction
    coding: Coding

    @property
    def what(self) -> str:
        pictures = " and ".join(str(layer.picture.path) for layer in self.chunk.layers)
        return f"a chunk of {self.chunk.frames} frames that shows {pictures}"

    def do(self) -> bool:
        def make(folder: Path) -> None:
            write_chunk(folder / "chunk.mp4", self.chunk, self.fps, self.coding)

        return self.cache.once(self.area, self.key, make)[1]


@dataclass(frozen=True)
class SoundTask:
    """The song to encode into the cache, with what there is to say about it."""

    area = SOUND
    what = "the sound"
    cache: Cache
    key: str
    song: Song
    settings: SoundSettings

    def do(self) -> bool:
        def make(folder: Path) -> None:
            notes = write_sound(folder / "sound.mp4", self.song, self.settings)
            (folder / "notes.json").write_text(json.dumps(notes, ensure_ascii=False), encoding="utf-8")

        return self.cache.once(self.area, self.key, make)[1]


Task = ChunkTask | SoundTask


def do_all(ctx: Context, tasks: Sequence[Task]) -> None:
    """What is missing of the chunks and the sound, side by side."""
    todo = _to_make(ctx.cache, tasks)
    total, missing = (sum(task.area == CHUNKS for task in some) for some in (tasks, todo))
    done = reused = total - missing
    ctx.progress(done, total, "chunks", reused=reused)
    try:
        for index, found in ctx.map(_do, todo):
            ctx.cache.share(todo[index].area, [todo[index].key])
            if todo[index].area == CHUNKS:
                done, reused = done + 1, reused + found
                ctx.progress(done, total, "chunks", reused=reused)
    except BaseException:
        for task in todo:  # workers are killed, and cannot tidy up after themselves
            ctx.cache.sweep(task.area, task.key)
        raise


def _to_make(cache: Cache, tasks: Sequence[Task]) -> list[Task]:
    """The tasks that neither this machine's cache nor the shared one has done."""
    absent = _absent(cache, tasks)
    for area, check in ((CHUNKS, _chunk), (SOUND, _sound)):
        cache.bring(area, [task.key for task in absent if task.area == area], check)
    absent = _absent(cache, absent)
    keys = {task.key for task in absent}
    for task in tasks:
        if task.key not in keys:
            cache.share(task.area, [task.key])
    return absent


def _absent(cache: Cache, tasks: Sequence[Task]) -> list[Task]:
    return [task for task in tasks if cache.get(task.area, task.key) is None]


def _chunk(folder: Path) -> None:
    """Raises where it is none; its frames are looked at by the proof."""
    (folder / "chunk.mp4").stat()


def _sound(folder: Path) -> None:
    (folder / "sound.mp4").stat()
    notes = json.loads((folder / "notes.json").read_text(encoding="utf-8"))
    if not isinstance(notes, list) or not all(isinstance(note, str) and note.isprintable() for note in notes):
        raise ValueError("notes.json holds no sentences")


def _do(task: Task) -> bool:
    """One task, in a worker process; tells whether another run had done it."""
    return task.do()
