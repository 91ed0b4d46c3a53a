"""`qmv deliver` beside the run whose folder it is given: refused while that is at work, and nothing is forgotten."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.__main__ import main

pytestmark = pytest.mark.slow


@pytest.fixture
def held(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A run that stands still in its delivery, when everything is made but its manifest is not."""
    process = subprocess.Popen(
        command(*overrides, outputs=tmp_path / "outputs"), cwd=tmp_path, env=environment | {"TEST_STOP_AT": "delivery"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the run ended before its delivery"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended, with all that it started
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def goes_on(process: subprocess.Popen[bytes]) -> None:
    """Until its end, whenever it stops again."""
    status = 0x7F
    while os.WIFSTOPPED(status):
        os.killpg(process.pid, signal.SIGCONT)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
    process.returncode = os.waitstatus_to_exitcode(status)


def run_in(outputs: Path) -> Path:
    [run] = outputs.glob("runs/*/*")
    return run


def manifest(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "manifest.json").read_text(encoding="utf-8")))


def test_delivery_of_a_run_at_work_is_refused_and_taken_once_that_has_ended(
    held: subprocess.Popen[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_in(tmp_path / "outputs")
    words = ["deliver", str(run), f"storage.path={tmp_path / 'films'}"]
    before = sorted(path.name for path in run.iterdir())
    for named in (run, run / "manifest.json"):
        assert main(["deliver", str(named), *words[2:]]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(
            f"error: {run}: its run is still at work; wait for its end, or end it, and deliver then"
        )
        assert said.err.count("\n") == 1
    assert not (tmp_path / "films").exists()
    assert sorted(path.name for path in run.iterdir()) == before
    goes_on(held)
    assert held.returncode == 0
    assert not list(run.glob(".*.lock"))
    assert main(words) == 0
    url = capsys.readouterr().out.strip()
    assert [delivery["url"] for delivery in manifest(run)["deliveries"]][1:] == [url]
    assert Path(url).is_relative_to(tmp_path / "films")


def test_run_that_was_killed_is_at_work_no_more(
    held: subprocess.Popen[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.kill(held.pid, signal.SIGKILL)
    held.wait()
    run = run_in(tmp_path / "outputs")
    assert main(["deliver", str(run), f"storage.path={tmp_path / 'films'}"]) == 0
    url = capsys.readouterr().out.strip()
    assert [delivery["url"] for delivery in manifest(run)["deliveries"]] == [url]
    assert manifest(run)["status"] == "finished"
