"""Renders the video in chunks that are cached one by one, encodes them in parallel, and joins them with the song."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.api import Cache, Context, Encoder, plugin, setting
from qmv.artifacts import Beats, Pictures, Song, Storyboard, Video
from qmv.media.chunk import Chunk, Layer, write_chunk
from qmv.media.coding import Coding
from qmv.media.moments import Moment, blanked, moments
from qmv.media.mux import join, tags
from qmv.media.sound import SoundSettings, write_sound
from qmv.media.timeline import ChunkSpan, Overlap, chunk_spans, overlaps, seen
from qmv.stages.assembly import Assembly
from qmv.stages.wanted_quality import crf_of, known_crf, samples

__all__ = ["AssembleVideo"]

_CHUNKS, _SOUND = "chunks", "sound"


@dataclass(frozen=True)
class _ChunkTask:
    """A chunk to encode into the cache."""

    area = _CHUNKS
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
class _SoundTask:
    """The song to encode into the cache, with what there is to say about it."""

    area = _SOUND
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


_Task = _ChunkTask | _SoundTask


def _do_all(ctx: Context, tasks: Sequence[_Task]) -> None:
    """What is missing of the chunks and the sound, side by side."""
    todo = [task for task in tasks if ctx.cache.get(task.area, task.key) is None]
    total, missing = (sum(task.area == _CHUNKS for task in some) for some in (tasks, todo))
    done = reused = total - missing
    ctx.progress(done, total, "chunks", reused=reused)
    try:
        for index, found in ctx.map(_do, todo):
            if todo[index].area == _CHUNKS:
                done, reused = done + 1, reused + found
                ctx.progress(done, total, "chunks", reused=reused)
    except BaseException:
        for task in todo:  # workers are killed, and cannot tidy up after themselves
            ctx.cache.sweep(task.area, task.key)
        raise


def _do(task: _Task) -> bool:
    """One task, in a worker process; tells whether another run had done it."""
    return task.do()


@plugin
class AssembleVideo(Assembly):
    """Planar frames into chunks, the song into AAC, both into one MP4."""

    name = "assemble_video"
    version = 2
    libraries = ("av", "numpy", "opencv-python-headless", "pillow")
    vmaf: float | None = setting(
        "the crf is chosen for this VMAF, on a few chunks; null: it is the encoder's", default=None, at_least=20,
        at_most=99, knob="quality.vmaf",
    )  # fmt: skip
    chunk_frames: int = setting("longer shots are split", default=240, unit="frames", at_least=12, at_most=10_000)

    def content(self) -> Any:
        """Which ffmpeg measures; asked for before the run, so that one that is missing costs nothing."""
        return None if self.vmaf is None else self._version("imageio-ffmpeg")

    def run(self, ctx: Context, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures) -> Video:
        spans, chunks = self._plan(storyboard, pictures, beats)
        encoder, notes = self._encoder(ctx, chunks, storyboard.fps)
        keys = [self._key(chunk, encoder, storyboard.fps) for chunk in chunks]
        sound_key = self._sound_key(song)
        coding, fps = encoder.coding(), storyboard.fps
        tasks = [_ChunkTask(ctx.cache, key, chunk, fps, coding) for key, chunk in dict(zip(keys, chunks)).items()]
        tasks.sort(key=lambda task: -task.chunk.frames)  # so that no worker is left with a long one at the end
        _do_all(ctx, [_SoundTask(ctx.cache, sound_key, song, self.sound), *tasks])
        sound = ctx.cache.folder(_SOUND, sound_key)
        notes += tuple(json.loads((sound / "notes.json").read_text(encoding="utf-8")))
        for note in notes:
            ctx.notice(note)
        path = ctx.folder / "video.mp4"
        files = [(span.first, ctx.cache.folder(_CHUNKS, key) / "chunk.mp4") for span, key in zip(spans, keys)]
        join(path, files, sound / "sound.mp4", storyboard.fps, tags(song))
        return self.video(path, song, storyboard, self.size_px(pictures), notes)

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        if "storyboard" not in inputs:
            return ""
        storyboard = inputs["storyboard"]
        if "pictures" not in inputs:
            transitions = overlaps(storyboard, self.transition.length_s())
            return f"{len(chunk_spans(storyboard, transitions, self.chunk_frames))} chunks to encode"
        _, chunks = self._plan(storyboard, inputs["pictures"], inputs["beats"])
        encoder = self._known_encoder(ctx.cache, chunks, storyboard.fps)
        if encoder is None:
            return f"{len(chunks)} chunks to encode, once the crf for a VMAF of {self.vmaf:g} is known"
        keys = {self._key(chunk, encoder, storyboard.fps) for chunk in chunks}
        cached = sum(ctx.cache.get(_CHUNKS, key) is not None for key in keys)
        return f"{len(keys) - cached} chunks to encode, {cached} cached"

    # -- plan --------------------------------------------------------------------------------------------------------

    def _plan(self, storyboard: Storyboard, pictures: Pictures, beats: Beats) -> tuple[list[ChunkSpan], list[Chunk]]:
        transitions = overlaps(storyboard, self.transition.length_s())
        spans = chunk_spans(storyboard, transitions, self.chunk_frames)
        return spans, [self._chunk(span, storyboard, transitions, pictures, beats) for span in spans]

    def _chunk(
        self, span: ChunkSpan, storyboard: Storyboard, transitions: list[Overlap], pictures: Pictures, beats: Beats
    ) -> Chunk:
        overlap = transitions[span.shot]
        mixed = span.first < overlap.cut + overlap.half and overlap.half > 0
        width_px, height_px = self.size_px(pictures)
        return Chunk(
            width_px=width_px,
            height_px=height_px,
            frames=span.frames,
            layers=tuple(
                Layer(
                    picture=pictures.pictures[shot].file,
                    shot=seen(storyboard.shots[shot], transitions, span.first),
                )
                for shot in ([span.shot - 1, span.shot] if mixed else [span.shot])
            ),
            overlap=dataclasses.replace(overlap, cut=overlap.cut - span.first),
            moments=self._moments(beats, storyboard.fps, span),
            motion=self.motion,
            transition=self.transition,
            effects=self.effects,
        )

    def _moments(self, beats: Beats, fps: Fraction, span: ChunkSpan) -> tuple[Moment, ...]:
        reads = {field for effect in self.effects for field in effect.reads}
        return blanked(moments(beats, fps, span.first, span.frames), reads) if self.effects else ()

    # -- keys --------------------------------------------------------------------------------------------------------

    def _key(self, chunk: Chunk, encoder: Encoder, fps: Fraction) -> str:
        return Cache.key({"frames": self._frames_key(chunk, fps), "encoder": encoder.identity()})

    def _frames_key(self, chunk: Chunk, fps: Fraction) -> str:
        """Everything that changes the chunk's frames, and nothing else: where in the song it lies does not."""
        words: dict[str, Any] = dict.fromkeys(
            ("section", "framing", "subject", "prompt", "negative_prompt", "paced_by"), ""
        )
        moving = [dataclasses.replace(layer.shot, beat=None, **words) for layer in chunk.layers]
        return Cache.key(
            {
                "stage": self._code(),
                "size": [chunk.width_px, chunk.height_px],
                "fps": fps,
                "frames": chunk.frames,
                "pictures": [layer.picture.sha256 for layer in chunk.layers],
                "shots": [dataclasses.asdict(shot) for shot in moving],
                "overlap": dataclasses.asdict(chunk.overlap) if len(chunk.layers) > 1 else None,
                "moments": [dataclasses.asdict(moment) for moment in chunk.moments],
                "motion": self.motion.identity(),
                "transition": self.transition.identity() if len(chunk.layers) > 1 else None,
                "effects": [effect.identity() for effect in self.effects],
            }
        )

    def _sound_key(self, song: Song) -> str:
        return Cache.key(
            {
                "stage": self._code(),
                "song": [song.file.sha256, song.start_s, song.end_s],
                "sound": dataclasses.asdict(self.sound),
            }
        )

    def _code(self) -> dict[str, Any]:
        return {name: part for name, part in self.identity().items() if name not in ("settings", "content")}

    # -- work --------------------------------------------------------------------------------------------------------

    def _encoder(self, ctx: Context, chunks: list[Chunk], fps: Fraction) -> tuple[Encoder, tuple[str, ...]]:
        """The encoder that does the work, at the crf that the wanted quality takes, and what the user is told of it."""
        encoder, why = self.encoder.chosen()
        notes = (why,) if why else ()
        if self.vmaf is None:
            return encoder, notes
        encoder, found = crf_of(ctx, encoder, self.vmaf, self._sampled(chunks, fps), fps)
        return encoder, (*notes, found)

    def _known_encoder(self, cache: Cache, chunks: list[Chunk], fps: Fraction) -> Encoder | None:
        encoder, _ = self.encoder.chosen()
        return encoder if self.vmaf is None else known_crf(cache, encoder, self.vmaf, self._sampled(chunks, fps))

    def _sampled(self, chunks: list[Chunk], fps: Fraction) -> dict[str, Chunk]:
        return {self._frames_key(chunk, fps): chunk for chunk in samples(chunks)}
