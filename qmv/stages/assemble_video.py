"""Renders the video in chunks that are cached one by one, encodes them in parallel, and joins them with the song."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from fractions import Fraction
from typing import Any

from qmv.api import Cache, Context, Encoder, plugin, setting
from qmv.artifacts import Beats, Pictures, Song, Storyboard, Video
from qmv.errors import PluginError
from qmv.media.chunk import Chunk, Layer
from qmv.media.moments import Moment, blanked, moments
from qmv.media.mux import describe, join, tags
from qmv.media.timeline import ChunkSpan, Overlap, chunk_spans, held, overlaps, seen
from qmv.stages.assembly import Assembly
from qmv.stages.video_tasks import CHUNKS, SOUND, ChunkTask, SoundTask, do_all
from qmv.stages.wanted_quality import crf_of, known_crf, samples

__all__ = ["AssembleVideo"]

_PARTS = 2  # the version of chunks and sound, which are dear to make: the file around them changes more often


@plugin
class AssembleVideo(Assembly):
    """Planar frames into chunks, the song into AAC, both into one MP4."""

    name = "assemble_video"
    version = 3
    libraries = ("av", "numpy", "opencv-python-headless", "pillow")
    vmaf: float | None = setting(
        "the crf is chosen for this VMAF, on a few chunks; null: it is the encoder's", default=None, at_least=20,
        at_most=99, knob="quality.vmaf",
    )  # fmt: skip
    chunk_frames: int = setting("longer shots are split", default=240, unit="frames", at_least=12, at_most=10_000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vmaf is not None and self.encoder.crf is not None:
            raise ValueError(f"vmaf finds the crf itself, so quality.crf must be null, got {self.encoder.crf:g}")

    def content(self) -> Any:
        """Which ffmpeg measures; asked for before the run, so that one that is missing costs nothing."""
        if self.vmaf is None:
            return None
        try:
            return importlib.metadata.version("imageio-ffmpeg")
        except importlib.metadata.PackageNotFoundError as error:
            raise PluginError(
                f"quality.vmaf={self.vmaf:g}: needs an ffmpeg with VMAF, which the package imageio-ffmpeg brings "
                "(the system's is not used); install it with: python -m pip install imageio-ffmpeg"
            ) from error

    def run(self, ctx: Context, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures) -> Video:
        storyboard = held(storyboard, pictures.missing)
        spans, chunks = self._plan(storyboard, pictures, beats)
        encoder, notes = self._encoder(ctx, chunks, storyboard.fps)
        keys = [self._key(chunk, encoder, storyboard.fps) for chunk in chunks]
        sound_key = self._sound_key(song)
        coding, fps = encoder.coding(), storyboard.fps
        tasks = [ChunkTask(ctx.cache, key, chunk, fps, coding) for key, chunk in dict(zip(keys, chunks)).items()]
        tasks.sort(key=lambda task: -task.chunk.frames)  # so that no worker is left with a long one at the end
        do_all(ctx, [SoundTask(ctx.cache, sound_key, song, self.sound), *tasks])
        sound = ctx.cache.folder(SOUND, sound_key)
        notes += tuple(json.loads((sound / "notes.json").read_text(encoding="utf-8")))
        for note in notes:
            ctx.notice(note)
        path = ctx.folder / "video.mp4"
        files = [(span.first, ctx.cache.folder(CHUNKS, key) / "chunk.mp4") for span, key in zip(spans, keys)]
        join(path, files, sound / "sound.mp4", storyboard.fps, tags(song, pictures))
        describe(path, song, pictures)
        return self.video(path, song, storyboard, self.size_px(pictures), notes)

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        if "storyboard" not in inputs:
            return ""
        storyboard = inputs["storyboard"]
        if "pictures" not in inputs:
            transitions = overlaps(storyboard, self.transition.length_s())
            count = len(chunk_spans(storyboard, transitions, self.chunk_frames))
            return f"at most {count} chunks to encode; how many, the pictures tell"
        storyboard = held(storyboard, inputs["pictures"].missing)
        _, chunks = self._plan(storyboard, inputs["pictures"], inputs["beats"])
        encoder = self._known_encoder(ctx.cache, chunks, storyboard.fps)
        if encoder is None:
            return f"{len(chunks)} chunks to encode, once the crf for a VMAF of {self.vmaf:g} is known"
        keys = {self._key(chunk, encoder, storyboard.fps) for chunk in chunks}
        cached = sum(ctx.cache.get(CHUNKS, key) is not None for key in keys)
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
            ("section", "framing", "subject", "prompt", "negative_prompt", "paced_by", "lyric"), ""
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
        whole = {name: part for name, part in self.identity().items() if name not in ("settings", "content")}
        return whole | {"version": _PARTS}

    # -- work --------------------------------------------------------------------------------------------------------

    def _encoder(self, ctx: Context, chunks: list[Chunk], fps: Fraction) -> tuple[Encoder, tuple[str, ...]]:
        """The encoder that does the work, at the crf that the wanted quality takes, and what the user is told of it."""
        encoder, _ = self.encoder.chosen()
        if self.vmaf is None:
            return encoder, ()
        encoder, found = crf_of(ctx, encoder, self.vmaf, self._sampled(chunks, fps), fps)
        return encoder, (found,)

    def _known_encoder(self, cache: Cache, chunks: list[Chunk], fps: Fraction) -> Encoder | None:
        encoder, _ = self.encoder.chosen()
        return encoder if self.vmaf is None else known_crf(cache, encoder, self.vmaf, self._sampled(chunks, fps))

    def _sampled(self, chunks: list[Chunk], fps: Fraction) -> dict[str, Chunk]:
        return {self._frames_key(chunk, fps): chunk for chunk in samples(chunks)}
