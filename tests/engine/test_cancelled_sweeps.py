"""How many jobs of a cancelled sweep came to what end."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from qmv.engine import sweeps
from qmv.engine.manifest import Manifest
from qmv.engine.money import BUDGET_ENV
from qmv.engine.sweeps import SweepWatch, cancel, summary

HYDRAS_OWN = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


def begin(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str, sweeper: str = HYDRAS_OWN) -> None:
    """A sweep of this process, as Hydra tells of it."""
    for name in ("_sweeps", "_cut_short"):
        monkeypatch.setattr(sweeps, name, [])
    monkeypatch.setattr("multiprocessing.active_children", list)  # those that other tests have left in this process
    monkeypatch.setenv(BUDGET_ENV, "")  # so that what the sweep sets is taken back
    hydra = {
        "sweep": {"dir": str(folder)},
        "sweeper": {"_target_": sweeper, "params": {"seed": "1,2"}},
        "overrides": {"task": [*words]},
    }
    SweepWatch().on_multirun_start(OmegaConf.create({"hydra": hydra, "outputs": str(folder)}))


def begun(folder: Path, *statuses: str, hours_ago: int = 0) -> None:
    started = datetime.now().astimezone() - timedelta(hours=hours_ago)
    for number, status in enumerate(statuses):
        (folder / str(number)).mkdir(exist_ok=True)
        Manifest(status=status, started=started.isoformat(timespec="seconds")).write(folder / str(number))


def test_cancelled_sweep_counts_the_jobs_that_were_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(tmp_path, monkeypatch, "style=neon,noir", "fps=24")
    begun(tmp_path, "finished", "cancelled")
    cancel()
    assert summary()[0] == f"1 of 4 jobs finished, 1 cut short, 2 not begun, in {tmp_path}"


def test_cancelled_sweep_does_not_count_what_an_earlier_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, *["finished"] * 4, hours_ago=1)
    begin(tmp_path, monkeypatch, "style=neon,noir")
    begun(tmp_path, "running")
    cancel()
    assert summary()[0] == f"0 of 4 jobs finished, 1 cut short, 3 not begun, in {tmp_path}"


def test_cancelled_sweep_that_had_come_to_its_end_says_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(tmp_path, monkeypatch)
    begun(tmp_path, "finished", "finished")
    cancel()
    assert summary()[0] == f"2 of 2 jobs finished in {tmp_path}"


def test_cancelled_sweep_tells_of_failures_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(tmp_path, monkeypatch)
    begun(tmp_path, "failed", "running")
    cancel()
    assert summary()[0] == f"0 of 2 jobs finished, 1 cut short, 1 failed, in {tmp_path}"


@pytest.mark.parametrize(
    ("words", "sweeper"), [(["style=neon,noir"], "another.Sweeper"), (["style=[neon"], HYDRAS_OWN)]
)
def test_cancelled_sweep_of_unknown_size_counts_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sweeper: str
) -> None:
    begin(tmp_path, monkeypatch, *words, sweeper=sweeper)
    cancel()
    assert summary()[0] == f"0 of 0 begun jobs finished in {tmp_path}"
    begun(tmp_path, "finished")
    assert summary()[0] == f"1 of 1 begun jobs finished in {tmp_path}"
