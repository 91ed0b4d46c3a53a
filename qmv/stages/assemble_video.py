"""Renders the video in chunks that are cached one by one, encodes them in parallel, and joins them with the song."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.api import Cache, Context, Effect, Motion, Stage, Transition, plugin, setting
from qmv.artifacts import Beats, File, Pictures, Song, Storyboard, Video
from qmv.media.chunk import Chunk, Layer, write_chunk
from qmv.media.encode import PRESETS, X264, even, tags
from qmv.media.moments import moments
from qmv.media.mux import join
from qmv.media.sound import encode_song
from qmv.media.timeline import ChunkSpan, Overlap, chunk_spans, overlaps, seen

__all__ = ["AssembleVideo"]

_CHUNKS, _SOUND = "chunks", "sound"


@plugin
class AssembleVideo(Stage):
    """Planar frames into H.264, the song into AAC, both into one MP4."""

    name = "assemble_video"
    libraries = ("av", "numpy", "opencv-python-headless", "pillow")
    motion: Motion
    transition: Transition
    effects: tuple[Effect, ...] = ()
    preset: str = setting("x264's speed against bytes", default="veryfast", choices=PRESETS, knob="quality.preset")
    crf: float = setting("x264's quality, lower is better", default=18.0, at_least=0, at_most=51, knob="quality.crf")
    scale: float = setting(
        "size of the video against the pictures", default=1.0, above=0, at_most=1, knob="quality.scale"
    )
    audio_kbps: int = setting("AAC bit rate of stereo sound", default=256, unit="kbit/s", at_least=32, at_most=512)
    chunk_frames: int = setting("longer shots are split", default=240, unit="frames", at_least=12, at_most=10_000)

    def run(self, ctx: Context, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures) -> Video:
        spans, chunks = self._plan(storyboard, pictures, beats)
        keys = [self._key(chunk, pictures, span, storyboard) for chunk, span in zip(chunks, spans)]
        self._render(ctx, chunks, keys, storyboard.fps)
        files = [(span.first, _chunk_file(ctx.cache, key)) for span, key in zip(spans, keys)]
        sound = self._sound(ctx.cache, song)
        path = ctx.folder / "video.mp4"
        join(path, files, sound, storyboard.fps, tags(song))
        return Video(
            file=File.of(path),
            width_px=chunks[0].width_px,
            height_px=chunks[0].height_px,
            fps=storyboard.fps,
            frames=storyboard.frames,
            title=song.title,
        )

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        if "storyboard" not in inputs:
            return ""
        if "pictures" not in inputs:
            transitions = overlaps(inputs["storyboard"], self.transition.length_s())
            return f"{len(chunk_spans(inputs['storyboard'], transitions, self.chunk_frames))} chunks to encode"
        pictures = inputs["pictures"]
        spans, chunks = self._plan(inputs["storyboard"], pictures, inputs["beats"])
        keys = {self._key(chunk, pictures, span, inputs["storyboard"]) for chunk, span in zip(chunks, spans)}
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
        visible = [span.shot - 1, span.shot] if mixed else [span.shot]
        return Chunk(
            width_px=even(pictures.width_px * self.scale),
            height_px=even(pictures.height_px * self.scale),
            frames=span.frames,
            layers=tuple(
                Layer(
                    picture=pictures.pictures[shot].file.path,
                    shot=seen(storyboard.shots[shot], transitions, span.first),
                )
                for shot in visible
            ),
            overlap=dataclasses.replace(overlap, cut=overlap.cut - span.first),
            moments=moments(beats, storyboard.fps, span.first, span.frames) if self.effects else (),
            motion=self.motion,
            transition=self.transition,
            effects=self.effects,
        )

    def _key(self, chunk: Chunk, pictures: Pictures, span: ChunkSpan, storyboard: Storyboard) -> str:
        """Everything that changes the chunk's bytes, and nothing else: where in the song it lies does not."""
        stage = {name: part for name, part in self.identity().items() if name != "settings"}
        first = span.shot - len(chunk.layers) + 1
        words: dict[str, Any] = dict.fromkeys(
            ("section", "framing", "subject", "prompt", "negative_prompt", "paced_by"), ""
        )
        moving = [dataclasses.replace(layer.shot, beat=None, **words) for layer in chunk.layers]
        return Cache.key(
            {
                "stage": stage,
                "size": [chunk.width_px, chunk.height_px],
                "fps": storyboard.fps,
                "frames": chunk.frames,
                "pictures": [pictures.pictures[first + i].file.sha256 for i in range(len(chunk.layers))],
                "shots": [dataclasses.asdict(shot) for shot in moving],
                "overlap": dataclasses.asdict(chunk.overlap) if len(chunk.layers) > 1 else None,
                "moments": [dataclasses.asdict(moment) for moment in chunk.moments],
                "motion": self.motion.identity(),
                "transition": self.transition.identity() if len(chunk.layers) > 1 else None,
                "effects": [effect.identity() for effect in self.effects],
                "x264": dataclasses.asdict(self._x264),
            }
        )

    @property
    def _x264(self) -> X264:
        return X264(preset=self.preset, crf=self.crf)

    # -- work --------------------------------------------------------------------------------------------------------

    def _render(self, ctx: Context, chunks: list[Chunk], keys: list[str], fps: Fraction) -> None:
        unique = dict(zip(keys, chunks))
        todo = [(key, chunk) for key, chunk in unique.items() if ctx.cache.get(_CHUNKS, key) is None]
        done = reused = len(unique) - len(todo)
        ctx.progress(done, len(unique), "chunks", reused=reused)
        items = [(ctx.cache, key, chunk, fps, self._x264) for key, chunk in todo]
        for _, found in ctx.map(_encode, items):
            done, reused = done + 1, reused + found
            ctx.progress(done, len(unique), "chunks", reused=reused)

    def _sound(self, cache: Cache, song: Song) -> Path:
        key = Cache.key(
            {
                "stage": {name: part for name, part in self.identity().items() if name != "settings"},
                "song": [song.file.sha256, song.start_s, song.end_s],
                "audio_kbps": self.audio_kbps,
            }
        )
        folder, _ = cache.once(_SOUND, key, lambda part: encode_song(part / "sound.mp4", song, self.audio_kbps))
        return folder / "sound.mp4"


def _encode(item: tuple[Cache, str, Chunk, Fraction, X264]) -> bool:
    """One chunk into the cache, in a worker process; tells whether another run had put it there."""
    cache, key, chunk, fps, x264 = item

    def make(folder: Path) -> None:
        write_chunk(folder / "chunk.mp4", chunk, fps, x264)

    return cache.once(_CHUNKS, key, make)[1]


def _chunk_file(cache: Cache, key: str) -> Path:
    return cache.folder(_CHUNKS, key) / "chunk.mp4"
