"""What a sweep tells at its end."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from joblib.externals.loky import ProcessPoolExecutor
from omegaconf import OmegaConf

from qmv.engine import in_work, sweeps
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import BUDGET_ENV
from qmv.engine.sweeps import SweepWatch, cancel, summary


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a sweep that this process has begun."""
    monkeypatch.setattr(sweeps, "_sweeps", [])
    monkeypatch.setattr(sweeps, "_cut_short", [])
    monkeypatch.setattr("multiprocessing.active_children", list)  # those that other tests have left in this process
    monkeypatch.setenv(BUDGET_ENV, "")  # so that what the sweep sets is taken back
    hydra = {"sweep": {"dir": str(tmp_path)}, "overrides": {"task": ["style=noir"]}}
    SweepWatch().on_multirun_start(OmegaConf.create({"hydra": hydra, "outputs": str(tmp_path)}))
    return tmp_path


def job(sweep: Path, number: int, **manifest: Any) -> None:
    (sweep / str(number)).mkdir()
    values = {
        "status": "finished",
        "result": "",
        "error": None,
        "overrides": ["style=noir"],
        "started": now(),
    } | manifest
    (sweep / str(number) / "manifest.json").write_text(json.dumps(values), encoding="utf-8")


def now(later_s: float = 0.0) -> str:
    """What a manifest has of a run that starts now."""
    return (datetime.now().astimezone() + timedelta(seconds=later_s)).isoformat(timespec="seconds")


def in_work_since(sweep: Path, number: int, started: str) -> Path:
    """The folder of a job whose second stage of three is in work."""
    (sweep / str(number)).mkdir()
    stages = [StageRecord(node=name, stage=name, key="a") for name in ("beats", "pictures", "video")]
    stages[0].status = "finished"
    Manifest(started=started, stages=stages).write(sweep / str(number))
    return sweep / str(number)


def statuses(folder: Path) -> list[str]:
    """A job's, and those of its stages."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [manifest["status"], *(stage["status"] for stage in manifest["stages"])]


UNTOUCHED = ["running", "finished", "waiting", "waiting"]


def test_summary_tells_of_each_job_in_order(sweep: Path) -> None:
    job(sweep, 10, result="/videos/b.mp4")
    job(sweep, 2, status="failed", error="song: there is no such file.")
    assert summary()[1:] == [
        "  #2 failed: style=noir: song: there is no such file.",
        "  #10 finished: style=noir: /videos/b.mp4",
    ]


def test_summary_leaves_out_what_an_earlier_sweep_left_in_the_folder(sweep: Path) -> None:
    job(sweep, 0)
    job(sweep, 1, started=now(-60))
    assert summary() == [f"1 of 1 jobs finished in {sweep}", "  #0 finished: style=noir"]


def test_summary_counts_what_is_finished(sweep: Path) -> None:
    for number, status in enumerate(("finished", "failed", "finished")):
        job(sweep, number, status=status)
    assert summary()[0] == f"2 of 3 jobs finished in {sweep}"


def test_summary_of_a_cancelled_sweep_counts_what_was_begun(sweep: Path) -> None:
    job(sweep, 0, status="finished")
    cancel()
    assert summary()[0] == f"1 of 1 begun jobs finished in {sweep}"


def test_summary_calls_a_job_stopped_that_was_ended_on_its_way(sweep: Path) -> None:
    job(sweep, 0, status="running")
    assert summary()[1] == "  #0 stopped: style=noir"


def test_cancelled_sweep_mends_the_manifests_of_jobs_in_work_and_no_others(sweep: Path) -> None:
    for number, status in enumerate(("finished", "running")):
        (sweep / str(number)).mkdir()
        stages = [StageRecord(node="beats", stage="track_beats", key="a", status="finished")]
        Manifest(status=status, started=now(), stages=stages).write(sweep / str(number))
    (sweep / "1" / "events.jsonl").write_text('{"event": "Progress"}\n{"event": "Pro', encoding="utf-8")
    cancel()
    found = [json.loads((sweep / name / "manifest.json").read_text(encoding="utf-8")) for name in "01"]
    assert [(job["status"], job["error"]) for job in found] == [("finished", None), ("cancelled", "cancelled")]
    assert found[1]["stages"] == found[0]["stages"]
    *_, torn, last = (sweep / "1" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert (torn, json.loads(last)["status"]) == ('{"event": "Pro', "cancelled")


def test_sweep_whose_job_has_a_manifest_of_another_version_is_cancelled_all_the_same(sweep: Path) -> None:
    job(sweep, 0, status="running", started=now(), stages=[], unknown=1)
    cancel()
    assert summary()[1] == "  #0 stopped: style=noir"


@pytest.mark.parametrize("foreign", [{}, {"started": "yesterday"}, {"started": "2026-01-02"}, {"started": "{now}"}])
def test_manifest_that_cannot_be_read_keeps_no_other_job_from_its_end(sweep: Path, foreign: dict[str, str]) -> None:
    job(sweep, 0, status="running", **{key: value.format(now=now()) for key, value in foreign.items()})
    folder = in_work_since(sweep, 1, now())
    cancel()
    assert statuses(folder)[0] == "cancelled"


def test_stage_that_a_cancelled_sweep_was_at_is_cancelled_with_its_job(sweep: Path) -> None:
    folder = in_work_since(sweep, 0, now())
    cancel()
    assert statuses(folder) == ["cancelled", "finished", "cancelled", "waiting"]


def test_cancelled_sweep_leaves_what_an_earlier_one_left_in_its_folder(sweep: Path) -> None:
    folder = in_work_since(sweep, 0, now(-60))
    cancel()
    assert statuses(folder) == UNTOUCHED


def test_cancelled_sweep_leaves_a_job_that_another_process_is_at_work_on(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_work, "_PATIENCE_S", 0.0)
    folder = in_work_since(sweep, 0, now())
    with in_work.in_work(folder):
        cancel()
    assert statuses(folder) == UNTOUCHED


def test_cancelled_sweep_ends_a_worker_process_that_still_lives(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ProcessPoolExecutor(max_workers=1)
    living = psutil.Process(pool.submit(os.getpid).result())
    monkeypatch.setattr("multiprocessing.active_children", lambda: [*pool._processes.values()])
    cancel()
    living.wait(60)
    pool.shutdown(kill_workers=True)


def test_summary_leaves_out_a_job_without_a_manifest(sweep: Path) -> None:
    (sweep / "0").mkdir()
    assert summary() == [f"0 of 0 jobs finished in {sweep}"]


def test_summary_of_a_single_run_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_sweeps", [])
    assert summary() == []
