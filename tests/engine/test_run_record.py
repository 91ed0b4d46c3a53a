"""What is written into the run folder of small made-up stages."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from qmv.artifacts import File
from qmv.errors import OutputError
from tests.engine.desk import Desk, Fails, Listen, events_of, manifest_of, proven

# -- a run that ends well --------------------------------------------------------------------------------------------


def test_run_is_finished_in_its_manifest(desk: Desk) -> None:
    found = manifest_of(desk.run())
    assert (found["status"], found["error"]) == ("finished", None)


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


def test_finished_run_tells_no_kind_of_error_and_its_deliveries(desk: Desk) -> None:
    run = desk.run()
    last = events_of(run)[-1]
    assert (manifest_of(run)["error_kind"], last["error_kind"]) == ("", "")
    assert last["deliveries"] == manifest_of(run)["deliveries"]
    assert last["deliveries"][0]["url"] == "https://example.org/video.mp4"


# -- proofs ----------------------------------------------------------------------------------------------------------


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


# -- runs that fail --------------------------------------------------------------------------------------------------


def test_failed_run_says_so_in_its_manifest(desk: Desk) -> None:
    run, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    found = manifest_of(run)
    assert (found["status"], found["error"], str(error)) == ("failed", "song: cannot be used.", "song: cannot be used.")


def test_failed_run_writes_its_failure_into_the_events(desk: Desk) -> None:
    run, _ = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    assert [event["event"] for event in events_of(run)[-2:]] == ["StageFailed", "RunFinished"]


@pytest.mark.parametrize(
    ("kind", "told"), [("input", "InputError"), ("bug", "QmvError"), ("disk", "OutputError"), ("own", "ServiceError")]
)
def test_failed_run_tells_the_kind_of_its_error(desk: Desk, kind: str, told: str) -> None:
    run, _ = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error=kind)})
    assert (manifest_of(run)["error_kind"], events_of(run)[-1]["error_kind"]) == (told, told)


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
