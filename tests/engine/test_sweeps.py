"""What a sweep tells at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from qmv.engine import sweeps
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import BUDGET_ENV
from qmv.engine.sweeps import SweepWatch, cancel, summary


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a sweep that this process has begun."""
    monkeypatch.setattr(sweeps, "_folders", [])
    monkeypatch.setattr(sweeps, "_ledgers", [])
    monkeypatch.setattr("multiprocessing.active_children", list)  # those that other tests have left in this process
    monkeypatch.setenv(BUDGET_ENV, "")  # so that what the sweep sets is taken back
    hydra = {"sweep": {"dir": str(tmp_path)}, "overrides": {"task": ["style=noir"]}}
    SweepWatch().on_multirun_start(OmegaConf.create({"hydra": hydra, "outputs": str(tmp_path)}))
    return tmp_path


def job(sweep: Path, number: int, **manifest: Any) -> None:
    (sweep / str(number)).mkdir()
    values = {"status": "finished", "result": "", "error": None, "overrides": ["style=noir"]} | manifest
    (sweep / str(number) / "manifest.json").write_text(json.dumps(values), encoding="utf-8")


def test_summary_tells_of_each_job_in_order(sweep: Path) -> None:
    job(sweep, 10, result="/videos/b.mp4")
    job(sweep, 2, status="failed", error="song: there is no such file.")
    assert summary()[1:] == [
        "  #2 failed: style=noir: song: there is no such file.",
        "  #10 finished: style=noir: /videos/b.mp4",
    ]


def test_summary_counts_what_is_finished(sweep: Path) -> None:
    for number, status in enumerate(("finished", "failed", "finished")):
        job(sweep, number, status=status)
    assert summary()[0] == f"2 of 3 jobs finished in {sweep}"


def test_summary_calls_a_job_stopped_that_was_ended_on_its_way(sweep: Path) -> None:
    job(sweep, 0, status="running")
    assert summary()[1] == "  #0 stopped: style=noir"


def test_cancelled_sweep_mends_the_manifests_of_jobs_in_work_and_no_others(sweep: Path) -> None:
    for number, status in enumerate(("finished", "running")):
        (sweep / str(number)).mkdir()
        stages = [StageRecord(node="beats", stage="track_beats", key="a", status="finished")]
        Manifest(status=status, started="2026-01-02T03:04:05+00:00", stages=stages).write(sweep / str(number))
    (sweep / "1" / "events.jsonl").write_text('{"event": "Progress"}\n{"event": "Pro', encoding="utf-8")
    cancel()
    found = [json.loads((sweep / name / "manifest.json").read_text(encoding="utf-8")) for name in "01"]
    assert [(job["status"], job["error"]) for job in found] == [("finished", None), ("cancelled", "cancelled")]
    assert found[1]["stages"] == found[0]["stages"]
    *_, torn, last = (sweep / "1" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert (torn, json.loads(last)["status"]) == ('{"event": "Pro', "cancelled")


def test_sweep_whose_job_has_a_manifest_of_another_version_is_cancelled_all_the_same(sweep: Path) -> None:
    job(sweep, 0, status="running", started="2026-01-02T03:04:05+00:00", stages=[], unknown=1)
    cancel()
    assert summary()[1] == "  #0 stopped: style=noir"


def test_summary_leaves_out_a_job_without_a_manifest(sweep: Path) -> None:
    (sweep / "0").mkdir()
    assert summary() == [f"0 of 0 jobs finished in {sweep}"]


def test_summary_of_a_single_run_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_folders", [])
    assert summary() == []
