"""Small films for the tests of the proof: planned, rendered, spoiled on purpose, encoded, and measured again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import soundfile

from qmv.api import Effect, Frame, Motion, Transition
from qmv.artifacts import Beats, File, Pictures, Song, Storyboard, SyncProof, Video
from qmv.media.chunk import chunk_frames
from qmv.media.encode import encode_chunk
from qmv.media.mux import join
from qmv.media.sound import encode_song
from qmv.media.timeline import overlaps
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_video import AssembleVideo
from qmv.stages.prove_sync import ProveSync
from qmv.testing import song_shot, stage_context
from tests.media.helpers import FAST, chirps, song, write_sound
from tests.stages.helpers import photo_pictures

SIDE = 96
CODECS = {
    "wav": ("pcm_s16le", 44100), "mp3": ("libmp3lame", 44100), "opus": ("libopus", 48000), "m4a": ("aac", 44100),
    "ogg": ("vorbis", 44100),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Film:
    """A plan on beats, with everything that is needed to render and to prove it."""

    folder: Path
    storyboard: Storyboard
    beats: Beats
    pictures: Pictures
    song: Song
    motion: Motion = field(default_factory=lambda: KenBurns(zoom=0.5))
    transition: Transition = field(default_factory=Cut)
    effects: tuple[Effect, ...] = ()

    def frames(self, storyboard: Storyboard | None = None) -> list[Frame]:
        """The frames that belong into the film, or those of another plan."""
        stage = AssembleVideo(motion=self.motion, transition=self.transition, effects=self.effects, encoder=X264())
        _, chunks = stage._plan(storyboard or self.storyboard, self.pictures, self.beats)
        return list(itertools.chain.from_iterable(chunk_frames(chunk) for chunk in chunks))

    def video(
        self, frames: Iterable[Frame] | None = None, *, sound: Song | None = None, fps: Fraction | None = None
    ) -> Video:
        """A finished file of any frames, sound and rate; those of the plan where nothing is said."""
        silent, aac, path = (self.folder / name for name in ("silent.mp4", "sound.mp4", "video.mp4"))
        plan = self.storyboard
        encode_chunk(silent, self.frames() if frames is None else frames, plan.fps, FAST)
        encode_song(aac, sound or self.song, 128)
        join(path, [(0, silent)], aac, fps or plan.fps, {})
        return Video(
            file=File.of(path), width_px=SIDE, height_px=SIDE, fps=plan.fps, frames=plan.frames, title="trial"
        )  # fmt: skip

    def proof(self, video: Video, on_fail: str = "fail") -> SyncProof:
        """What the stage measures of a file."""
        stage = ProveSync(motion=self.motion, transition=self.transition, effects=self.effects, on_fail=on_fail)
        return stage.run(
            stage_context(self.folder), song=self.song, beats=self.beats, storyboard=self.storyboard,
            pictures=self.pictures, video=video,
        )  # fmt: skip


def moved(storyboard: Storyboard, shot: int, frames: int) -> Storyboard:
    """The same plan with the cut into a shot elsewhere."""
    shots = list(storyboard.shots)
    at = shots[shot].start + frames
    shots[shot - 1] = replace(shots[shot - 1], end=at)
    shots[shot] = replace(shots[shot], start=at)
    return replace(storyboard, shots=tuple(shots))


def film(
    folder: Path, *, fps: Fraction = Fraction(24), kind: str = "wav", seconds: float = 3.0, **settings: object
) -> Film:
    """A song of chirps with a beat every 0.7 s, a picture on each; `kind` is the song's file type."""
    folder.mkdir(parents=True, exist_ok=True)
    tune = song(_tune(folder / f"song.{kind}", seconds))
    times = [0.7 * beat for beat in range(1, int(seconds / 0.7))]
    frames = -int(-Fraction(seconds) * fps // 1)
    starts = [0, *(round(Fraction(time) * fps) for time in times)]
    beats = Beats(
        times_s=tuple(times), bar_position=(0,) * len(times), tempo_bpm=60 / 0.7, confidence=1.0,
        duration_s=Fraction(seconds),
    )  # fmt: skip
    shots = tuple(
        song_shot(end - start, start=start, index=index, beat=index - 1 if index else None)
        for index, (start, end) in enumerate(zip(starts, [*starts[1:], frames]))
    )
    plan = Storyboard(fps=fps, frames=frames, shots=shots)
    pictures = photo_pictures(folder / "pictures", len(shots), SIDE, SIDE)
    return Film(folder=folder, storyboard=plan, beats=beats, pictures=pictures, song=tune, **settings)  # type: ignore[arg-type]


def _tune(path: Path, seconds: float) -> Path:
    codec, rate_hz = CODECS[path.suffix[1:]]
    samples = chirps(seconds, rate_hz, 2)
    if codec == "vorbis":  # which FFmpeg can decode only
        soundfile.write(path, samples.T, rate_hz, format="OGG", subtype="VORBIS")
        return path
    return write_sound(path, samples, rate_hz, codec, "stereo")


def alone(film: Film, shot: int) -> range:
    """The frames of a shot that no transition touches."""
    shots, spans = film.storyboard.shots, overlaps(film.storyboard, film.transition.length_s())
    out = spans[shot + 1].half if shot + 1 < len(shots) else 0
    return range(shots[shot].start + spans[shot].half, shots[shot].end - out)


def without(frames: Sequence[Frame], number: int) -> list[Frame]:
    return [*frames[:number], *frames[number + 1 :]]


def twice(frames: Sequence[Frame], number: int) -> list[Frame]:
    return [*frames[: number + 1], *frames[number:]]
