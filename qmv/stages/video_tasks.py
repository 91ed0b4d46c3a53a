"""The pieces that a video is made of, each into the cache by a key of its own, side by side in worker processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.api import Cache, Context
from qmv.artifacts import Song
from qmv.media.chunk import Chunk, write_chunk
from qmv.media.coding import Coding
from qmv.media.sound import SoundSettings, write_sound

__all__ = ["CHUNKS", "SOUND", "ChunkTask", "SoundTask", "do_all"]

CHUNKS, SOUND = "chunks", "sound"  # areas of the cache
_UNDECODED = {"codec_whitelist": "none"}  # the headers are enough, and cost 1 ms


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

    def check(self, folder: Path) -> None:
        """Raises where an entry from elsewhere is not such a chunk; what its frames show, the proof looks at."""
        import av

        with av.open(str(folder / "chunk.mp4"), options=_UNDECODED) as container:
            [stream] = container.streams.video
            if len(container.streams) != 1 or stream.codec_context.codec.id != _format(self.coding, stream):
                raise ValueError(f"chunk.mp4 holds no video of {self.coding.codec}")
            if (stream.width, stream.height) != (self.chunk.width_px, self.chunk.height_px):
                raise ValueError(f"its frames have {stream.width} x {stream.height} px")
            shown = {packet.pts for packet in container.demux(stream) if packet.pts is not None and packet.size}
        if len(shown) != self.chunk.frames:
            raise ValueError(f"it has {len(shown)} frames instead of {self.chunk.frames}")


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

    def check(self, folder: Path) -> None:
        """Raises where an entry from elsewhere is no sound with its notes; what is heard, the proof listens to."""
        import av

        with av.open(str(folder / "sound.mp4"), options=_UNDECODED) as container:
            [stream] = container.streams.audio
            if len(container.streams) != 1 or stream.codec_context.name != "aac":
                raise ValueError("sound.mp4 holds no AAC")
            if not any(packet.size for packet in container.demux(stream) if packet.pts is not None):
                raise ValueError("sound.mp4 is empty")
        notes = json.loads((folder / "notes.json").read_text(encoding="utf-8"))
        if not isinstance(notes, list) or not all(isinstance(note, str) and note.isprintable() for note in notes):
            raise ValueError("notes.json holds no sentences")


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
    checks = {task.key: task.check for task in absent}
    for area in (CHUNKS, SOUND):
        keys = [task.key for task in absent if task.area == area]
        cache.bring(area, keys, lambda folder: checks[folder.stem](folder))
    absent = _absent(cache, absent)
    missing = {task.key for task in absent}
    for task in tasks:
        if task.key not in missing:
            cache.share(task.area, [task.key])
    return absent


def _absent(cache: Cache, tasks: Sequence[Task]) -> list[Task]:
    return [task for task in tasks if cache.get(task.area, task.key) is None]


def _format(coding: Coding, stream: Any) -> int:
    """FFmpeg's number of what an encoder writes; that of the stream where only a program has the encoder."""
    import av

    try:
        return av.Codec(coding.codec, "w").id
    except ValueError:
        return int(stream.codec_context.codec.id)


def _do(task: Task) -> bool:
    """One task, in a worker process; tells whether another run had done it."""
    return task.do()
