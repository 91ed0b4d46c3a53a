"""What a sweep tells at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from qmv.engine import sweeps
from qmv.engine.money import BUDGET_ENV
from qmv.engine.sweeps import SweepWatch, summary


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a sweep that this process has begun."""
    monkeypatch.setattr(sweeps, "_folders", [])
    monkeypatch.setenv(BUDGET_ENV, "")  # so that what the sweep sets is taken back
    hydra = {"sweep": {"dir": str(tmp_path)}, "overrides": {"task": ["style=noir"]}}
    SweepWatch().on_multirun_start(OmegaConf.create({"hydra": hydra}))
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


def test_summary_leaves_out_a_job_without_a_manifest(sweep: Path) -> None:
    (sweep / "0").mkdir()
    assert summary() == [f"0 of 0 jobs finished in {sweep}"]


def test_summary_of_a_single_run_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_folders", [])
    assert summary() == []
