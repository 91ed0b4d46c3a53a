"""Made-up stages, and a desk that makes runs of them in one outputs folder."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import pytest

from qmv.api import Context, Stage, plugin, setting
from qmv.artifacts import Beats, CutProof, Delivery, File, Song, Style, SyncProof, Video
from qmv.engine.config.job import Job
from qmv.engine.config.schema import RunSettings, SongSettings
from qmv.engine.manifest import Manifest
from qmv.engine.registry import Registry
from qmv.engine.runner import Run
from qmv.errors import InputError, ProofError, QmvError, ServiceError
from qmv.events import Event
from qmv.hookspecs import hookimpl

STYLE = Style(
    name="plain", prompt="{subject}", negative_prompt="", look="neon", palette=("#000000",), shots=("wide",),
    subjects=("hill",), moods=(),
)  # fmt: skip


def write_down(diary: str, name: str) -> None:
    with Path(diary).open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")


@plugin
class Listen(Stage):
    name = "listen"
    diary: str = setting("where each run is written down", default="", keyed=False)
    sharpness: float = setting("changes the result", default=1.0)

    def run(self, ctx: Context, song: Song) -> Beats:
        write_down(self.diary, self.name)
        ctx.progress(3, 4, "beats", reused=1)
        ctx.progress(4, 4, "beats", reused=1)
        return Beats(
            times_s=(0.5,),
            bar_position=(1,),
            tempo_bpm=120.0,
            confidence=1.0,
            duration_s=Fraction(3),
            notes=("so",),
        )


@plugin
class Film(Stage):
    name = "film"
    diary: str = setting("where each run is written down", default="", keyed=False)

    def run(self, ctx: Context, beats: Beats) -> Video:
        write_down(self.diary, self.name)
        path = ctx.folder / "video.mp4"
        path.write_bytes(b"a video")
        return Video(file=File.of(path), width_px=64, height_px=36, fps=Fraction(24), frames=72, title="song")


@plugin
class HandOver(Stage):
    name = "hand_over"
    cached: ClassVar[bool] = False
    diary: str = setting("where each run is written down", default="", keyed=False)

    def run(self, ctx: Context, video: Video) -> Delivery:
        write_down(self.diary, self.name)
        return Delivery(url="https://example.org/video.mp4", storage="made up")


class OutOfFilm(ServiceError):
    """A kind of error that a plugin made for itself."""


@plugin
class Fails(Stage):
    name = "fails"
    kind_of_error: str = setting("which one", default="input")

    def run(self, ctx: Context, beats: Beats) -> Video:
        (ctx.folder / "half.mp4").write_bytes(b"half")
        errors: dict[str, BaseException] = {
            "input": InputError("song: cannot be used."),
            "bug": ZeroDivisionError("division by zero"),
            "disk": OSError(28, "No space left on device", "/out/a.mp4"),
            "ctrl-c": KeyboardInterrupt(),
            "own": OutOfFilm("film: there is none."),
        }
        raise errors[self.kind_of_error]


@plugin
class WrongType(Stage):
    name = "wrong_type"

    def run(self, ctx: Context, beats: Beats) -> Video:
        return beats  # type: ignore[return-value]


@plugin
class FileElsewhere(Stage):
    name = "file_elsewhere"

    def run(self, ctx: Context, beats: Beats) -> Video:
        file = File(path=ctx.folder / "never_written.mp4", sha256="0" * 64, size_bytes=1)
        return Video(file=file, width_px=64, height_px=36, fps=Fraction(24), frames=72, title="song")


class Watcher:
    """Writes down what it sees."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        self.seen.append(event)

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.seen]


class Desk:
    """Makes runs of stages in one outputs folder, and remembers which stages worked."""

    def __init__(self, folder: Path, song: Path, cache_url: str = "") -> None:
        self.cache_url = cache_url
        self.folder, self.song, self.diary = folder, song, folder / "diary.txt"
        self.registry, self.runs = Registry(), 0

    def prepared(self, stages: dict[str, Stage], *, dry: bool = False) -> Run:
        self.runs += 1
        run_folder = self.folder / "runs" / str(self.runs)
        run_folder.mkdir(parents=True)
        job = Job(
            stages=stages,
            song=SongSettings(path=str(self.song)),
            style=STYLE,
            run=RunSettings(dry=dry, workers=1, cache_url=self.cache_url),
            outputs=str(self.folder / "outputs"),
        )
        return Run(job=job, folder=run_folder, registry=self.registry, manifest=Manifest())

    def run(self, stages: dict[str, Stage] | None = None) -> Run:
        run = self.prepared(self.stages() if stages is None else stages)
        run.execute()
        return run

    def refused(self, stages: dict[str, Stage]) -> tuple[Run, QmvError]:
        run = self.prepared(stages)
        with pytest.raises(QmvError) as caught:
            run.execute()
        return run, caught.value

    def stages(self, **settings: Any) -> dict[str, Stage]:
        diary = str(self.diary)
        return {"beats": Listen(diary=diary, **settings), "video": Film(diary=diary), "delivery": HandOver(diary=diary)}

    def worked(self) -> list[str]:
        """The stages that worked since the last call."""
        text = self.diary.read_text(encoding="utf-8") if self.diary.exists() else ""
        self.diary.unlink(missing_ok=True)
        return text.split()

    def cached(self, pattern: str) -> Path:
        [path] = (self.folder / "outputs" / "cache").glob(pattern)
        return path


def manifest_of(run: Run) -> dict[str, Any]:
    return json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def events_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def proof(*faults: str) -> SyncProof:
    return SyncProof(
        cuts=(CutProof(shot=1, planned=24, frame=25.0, off_frames=1.0, off_ms=41.7, to_beat_ms=None),), measured=1,
        worst_frames=1.0, mean_frames=1.0, worst_ms=41.7, worst_to_beat_ms=None, mean_to_beat_ms=None,
        audio_start_ms=0.0, audio_end_ms=0.0, audio_drift_ms=0.0, fps=Fraction(24), frames=72, exact=True, video_s=3.0,
        audio_s=3.0, song_s=3.0, black=(), frozen=(), jumps=(), moving=0, followed=0, loudness_lufs=None,
        true_peak_db=None, clipped_samples=0, summary="1 cut, worst 1 frames off", faults=faults,
    )  # fmt: skip


@plugin
class Prove(Stage):
    name = "prove"
    diary: str = setting("where each run is written down", default="", keyed=False)
    lenient: bool = setting("what to do with faults", default=False, keyed=False)

    def run(self, ctx: Context, video: Video) -> SyncProof:
        write_down(self.diary, self.name)
        return proof("a cut is late")

    def review(self, ctx: Context, made: Any, **inputs: Any) -> None:
        if not self.lenient:
            raise ProofError(f"{ctx.node}: {made.faults[0]} in {inputs['video'].file.path.name}.")


@plugin
class HandOverAfter(HandOver):
    name = "hand_over_after"
    after = ("proof",)


def proven(desk: Desk, *, lenient: bool = False) -> dict[str, Stage]:
    """The last stage stands before the proof in the config."""
    diary = str(desk.diary)
    stages: dict[str, Stage] = {"beats": Listen(diary=diary), "video": Film(diary=diary)}
    return stages | {"delivery": HandOverAfter(diary=diary), "proof": Prove(diary=diary, lenient=lenient)}
