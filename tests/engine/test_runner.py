"""Runs of small made-up stages: states, the cache, and what is written into the run folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
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
from qmv.errors import InputError, OutputError, PluginError, ProofError, QmvError, ServiceError
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

    def __init__(self, folder: Path, song: Path) -> None:
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
            run=RunSettings(dry=dry, workers=1),
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


@pytest.fixture
def desk(tmp_path: Path, song: Path) -> Desk:
    return Desk(tmp_path, song)


def manifest_of(run: Run) -> dict[str, Any]:
    return json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def events_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


# -- a run that ends well --------------------------------------------------------------------------------------------


def test_run_is_finished_in_its_manifest(desk: Desk) -> None:
    found = manifest_of(desk.run())
    assert (found["status"], found["error"]) == ("finished", None)


def test_run_names_the_stages_and_their_state(desk: Desk) -> None:
    stages = manifest_of(desk.run())["stages"]
    assert [(s["node"], s["stage"], s["status"], s["cached"]) for s in stages] == [
        ("beats", "listen", "finished", False),
        ("video", "film", "finished", False),
        ("delivery", "hand_over", "finished", False),
    ]


def test_run_counts_the_pieces_of_a_stage(desk: Desk) -> None:
    beats = manifest_of(desk.run())["stages"][0]
    assert (beats["total"], beats["made"], beats["reused"]) == (4, 3, 1)


def test_run_names_the_song_by_its_hash(desk: Desk) -> None:
    assert manifest_of(desk.run())["song"]["sha256"] == File.of(desk.song).sha256


def test_run_passes_on_the_notes_of_its_artifacts(desk: Desk) -> None:
    assert manifest_of(desk.run())["notes"] == ["so"]


def test_run_gives_the_address_of_a_delivery_as_its_result(desk: Desk) -> None:
    assert manifest_of(desk.run())["result"] == "https://example.org/video.mp4"


def test_run_without_a_delivery_gives_its_last_artifact_as_its_result(desk: Desk) -> None:
    run = desk.run({"beats": Listen(diary=str(desk.diary))})
    assert run.manifest.result == str(run.folder / "artifacts" / "beats.json")


def test_run_keeps_the_artifacts_as_json(desk: Desk) -> None:
    folder = desk.run().folder / "artifacts"
    names = ["beats.json", "delivery.json", "song.json", "style.json", "video.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert json.loads((folder / "beats.json").read_text(encoding="utf-8"))["times_s"] == [0.5]


def test_run_artifact_names_a_file_that_is_there(desk: Desk) -> None:
    path = desk.run().folder / "artifacts" / "video.json"
    found = Path(json.loads(path.read_text(encoding="utf-8"))["file"]["path"])
    assert (path.parent / found).read_bytes() == b"a video"


def test_run_writes_its_events_as_lines(desk: Desk) -> None:
    names = [event["event"] for event in events_of(desk.run())]
    assert (names[0], names[-1], names.count("StageFinished")) == ("RunStarted", "RunFinished", 3)


def test_run_shows_an_observer_what_it_writes_down(desk: Desk) -> None:
    watcher = Watcher()
    desk.registry.observe(watcher)
    run = desk.run()
    assert watcher.names() == [event["event"] for event in events_of(run)]


# -- from the cache --------------------------------------------------------------------------------------------------


def test_second_run_does_only_what_is_never_cached(desk: Desk) -> None:
    desk.run()
    desk.worked()
    run = desk.run()
    assert desk.worked() == ["hand_over"]
    assert [stage["cached"] for stage in manifest_of(run)["stages"]] == [True, True, False]


def test_second_run_gives_the_same_values(desk: Desk) -> None:
    assert desk.run().values == desk.run().values


def test_run_with_another_setting_does_it_again(desk: Desk) -> None:
    desk.run()
    desk.worked()
    desk.run(desk.stages(sharpness=2))
    assert desk.worked() == ["listen", "film", "hand_over"]


def test_run_takes_a_moved_song_from_the_cache(desk: Desk) -> None:
    desk.run()
    desk.worked()
    moved = desk.folder / "elsewhere" / desk.song.name
    moved.parent.mkdir()
    desk.song = desk.song.rename(moved)
    desk.run()
    assert desk.worked() == ["hand_over"]


def test_run_takes_a_moved_outputs_folder_from_the_cache(desk: Desk) -> None:
    desk.run()
    desk.worked()
    (desk.folder / "outputs").rename(desk.folder / "old")
    (desk.folder / "outputs").symlink_to(desk.folder / "old")
    desk.run()
    assert desk.worked() == ["hand_over"]


def delete(path: Path) -> None:
    path.unlink()


def change(path: Path) -> None:
    path.write_bytes(b"b video")  # of the same length


@pytest.mark.parametrize("spoil", [delete, change])
@pytest.mark.parametrize("file", ["film/??/*/video.mp4", "film/??/*/artifact.json"])
def test_spoiled_file_of_the_cache_is_made_again(desk: Desk, file: str, spoil: Callable[[Path], None]) -> None:
    desk.run()
    desk.worked()
    spoil(desk.cached(file))
    run = desk.run()
    assert desk.worked() == ["film", "hand_over"]
    assert run.values["video"].file.path.read_bytes() == b"a video"  # type: ignore[attr-defined]


def test_artifact_of_another_form_in_the_cache_is_made_again(desk: Desk) -> None:
    desk.run()
    desk.worked()
    desk.cached("listen/??/*/artifact.json").write_text('{"times_s": 3}', encoding="utf-8")
    desk.run()
    assert desk.worked() == ["listen", "hand_over"]


# -- runs that fail --------------------------------------------------------------------------------------------------


def test_failed_run_says_so_in_its_manifest(desk: Desk) -> None:
    run, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    found = manifest_of(run)
    assert (found["status"], found["error"], str(error)) == ("failed", "song: cannot be used.", "song: cannot be used.")


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


def test_result_that_is_refused_fails_the_run_before_it_is_used(desk: Desk) -> None:
    run, error = desk.refused(proven(desk))
    assert str(error) == "proof: a cut is late in video.mp4."
    assert [(s["node"], s["status"]) for s in manifest_of(run)["stages"]][2:] == [
        ("proof", "failed"), ("delivery", "waiting"),
    ]  # fmt: skip
    assert desk.worked() == ["listen", "film", "prove"]


def test_result_that_is_refused_is_refused_again_from_the_cache(desk: Desk) -> None:
    _, first = desk.refused(proven(desk))
    desk.worked()
    run, second = desk.refused(proven(desk))
    assert (str(second), desk.worked(), manifest_of(run)["stages"][2]["cached"]) == (str(first), [], True)


def test_result_that_was_refused_is_not_made_again_where_it_is_let_pass(desk: Desk) -> None:
    desk.refused(proven(desk))
    desk.worked()
    desk.run(proven(desk, lenient=True))
    assert desk.worked() == ["hand_over_after"]


@pytest.mark.parametrize("lenient", [True, False])
def test_proof_is_in_the_manifest_whatever_becomes_of_it(desk: Desk, lenient: bool) -> None:
    stages = proven(desk, lenient=lenient)
    run = desk.run(stages) if lenient else desk.refused(stages)[0]
    sync = manifest_of(run)["sync"]
    assert (sync["cuts"], sync["worst_frames"], sync["fps"], sync["faults"]) == (1, 1.0, "24", ["a cut is late"])
    kept = json.loads((run.folder / "artifacts" / "proof.json").read_text(encoding="utf-8"))
    assert kept["cuts"][0]["frame"] == 25.0


def test_proof_is_summed_up_at_the_end(desk: Desk) -> None:
    last = events_of(desk.run(proven(desk, lenient=True)))[-1]
    assert (last["event"], last["summary"]) == ("RunFinished", "1 cut, worst 1 frames off; BUT a cut is late")


def test_failed_run_names_the_stage_that_failed(desk: Desk) -> None:
    run, _ = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(), "delivery": HandOver()})
    assert [s["status"] for s in manifest_of(run)["stages"]] == ["finished", "failed", "waiting"]


def test_failed_run_writes_its_failure_into_the_events(desk: Desk) -> None:
    run, _ = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    assert [event["event"] for event in events_of(run)[-2:]] == ["StageFailed", "RunFinished"]


@pytest.mark.parametrize(
    ("kind", "told"), [("input", "InputError"), ("bug", "QmvError"), ("disk", "OutputError"), ("own", "ServiceError")]
)
def test_failed_run_tells_the_kind_of_its_error(desk: Desk, kind: str, told: str) -> None:
    run, _ = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error=kind)})
    assert (manifest_of(run)["error_kind"], events_of(run)[-1]["error_kind"]) == (told, told)


def test_finished_run_tells_no_kind_of_error_and_its_deliveries(desk: Desk) -> None:
    run = desk.run()
    last = events_of(run)[-1]
    assert (manifest_of(run)["error_kind"], last["error_kind"]) == ("", "")
    assert last["deliveries"] == manifest_of(run)["deliveries"]
    assert last["deliveries"][0]["url"] == "https://example.org/video.mp4"


def test_failed_stage_leaves_nothing_in_the_cache(desk: Desk) -> None:
    desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    left = (desk.folder / "outputs" / "cache" / "fails").rglob("*")
    assert [path for path in left if path.suffix != ".lock" and len(path.name) > 2] == []


def test_failed_run_keeps_what_was_done_before(desk: Desk) -> None:
    desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    desk.worked()
    desk.run()
    assert desk.worked() == ["film", "hand_over"]


def test_unforeseen_error_becomes_a_sentence(desk: Desk) -> None:
    run, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error="bug")})
    assert str(error).startswith(
        "stages.video (fails): failed unexpectedly (ZeroDivisionError: division by zero); the details are in "
    )
    assert str(run.folder / "run.log") in str(error)


def test_unforeseen_error_leaves_its_traceback_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "qmv"):
        desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error="bug")})
    assert "ZeroDivisionError: division by zero" in caplog.text


def test_full_disk_becomes_an_output_error(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error="disk")})
    assert (type(error), "the disk is full" in str(error)) == (OutputError, True)


def test_interrupted_run_is_cancelled_in_its_manifest(desk: Desk) -> None:
    run = desk.prepared({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error="ctrl-c")})
    with pytest.raises(KeyboardInterrupt):
        run.execute()
    assert manifest_of(run)["status"] == "cancelled"


def test_stage_that_gives_another_type_is_refused(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": WrongType()})
    assert isinstance(error, PluginError)
    assert "stages.video (wrong_type): run() says that it makes a Video, but gave Beats" in str(error)


def test_stage_whose_file_is_not_there_is_refused(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": FileElsewhere()})
    assert "its Video cannot be kept and read back" in str(error)


def test_missing_song_is_in_the_manifest(desk: Desk) -> None:
    desk.song = desk.folder / "nothing.mp3"
    run, error = desk.refused(desk.stages())
    assert (manifest_of(run)["status"], manifest_of(run)["error"]) == ("failed", str(error))


def test_mistake_in_the_graph_is_found_before_any_work(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "delivery": HandOver()})
    assert ("reads 'video', which nothing makes" in str(error), desk.worked()) == (True, [])


# -- dry runs --------------------------------------------------------------------------------------------------------


def test_forecast_makes_nothing(desk: Desk) -> None:
    desk.prepared(desk.stages(), dry=True).forecast()
    assert desk.worked() == []


def test_forecast_tells_what_is_cached(desk: Desk) -> None:
    desk.run()
    lines = desk.prepared(desk.stages(), dry=True).forecast()
    assert lines == ["beats (listen): cached", "video (film): cached", "delivery (hand_over): to do"]


def test_forecast_is_planned_in_its_manifest(desk: Desk) -> None:
    run = desk.prepared(desk.stages(), dry=True)
    run.forecast()
    assert manifest_of(run)["status"] == "planned"
