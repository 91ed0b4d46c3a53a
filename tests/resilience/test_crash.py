"""kill -9 at any moment, of a run or of one of its workers: the same bytes, and nothing is made twice.

TEST_KILLS=10 in the environment kills runs at as many random moments instead of 3.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.resilience.runs import PATIENCE_S, Run, gone, parts, stages, started, workers_of

pytestmark = pytest.mark.slow

SEED = 2026
KILLS = int(os.environ.get("TEST_KILLS", "3"))
LASTS_S = 2.5  # the run, after a second for the libraries; it may end before the last kill on a quick machine


# -- at a chosen moment ----------------------------------------------------------------------------------------------


@pytest.fixture(params=[("pictures", 1), ("video", 1), ("video", 2), ("join", 1)], ids=lambda p: f"{p[0]}-{p[1]}")
def resumed(
    request: pytest.FixtureRequest, run_cli: Run, kill_at: Run, overrides: tuple[str, ...], tmp_path: Path
) -> Any:
    """The end of a run that goes on where a killed one stopped, at each moment and number of workers."""
    moment, workers = request.param
    kill_at(moment, tmp_path / "killed", f"run.workers={workers}")
    ended = run_cli(*overrides, f"run.workers={workers}", outputs=tmp_path / "killed")
    assert ended.rc == 0, ended.stderr
    return ended


def test_killed_run_ends_with_the_bytes_of_an_undisturbed_one(resumed: Any, undisturbed: bytes) -> None:
    assert resumed.video.read_bytes() == undisturbed
    assert parts(resumed) == []


def test_run_killed_after_its_first_picture_keeps_that_picture(
    run_cli: Run, kill_at: Run, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    kill_at("pictures", tmp_path / "outputs")
    kept = len(list((tmp_path / "outputs" / "cache" / "pictures").glob("??/*/picture.png")))
    found = stages(run_cli(*overrides))
    assert (found["beats"]["cached"], found["storyboard"]["cached"]) == (True, True)
    assert (kept >= 1, found["pictures"]["reused"], found["pictures"]["made"]) == (True, kept, 8 - kept)


def test_run_killed_after_its_first_chunk_keeps_that_chunk(
    run_cli: Run, kill_at: Run, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    kill_at("video", tmp_path / "outputs")
    found = stages(run_cli(*overrides))
    assert (found["pictures"]["cached"], found["video"]["reused"], found["video"]["made"]) == (True, 1, 7)


def test_run_killed_while_it_joins_keeps_every_chunk(
    run_cli: Run, kill_at: Run, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    kill_at("join", tmp_path / "outputs")
    video = stages(run_cli(*overrides))["video"]
    assert (video["cached"], video["reused"], video["made"]) == (False, 8, 0)


def test_killed_run_leaves_a_manifest_that_can_be_read(
    kill_at: Run, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    kill_at("video", tmp_path / "outputs")
    [path] = (tmp_path / "outputs" / "runs").rglob("manifest.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["status"], [s["status"] for s in found["stages"]][:3]) == ("running", ["finished"] * 3)


def test_workers_end_soon_after_a_killed_parent(long_line: list[str], environment: dict[str, str]) -> None:
    """Each looks for its parent once a second."""
    process = started(long_line, environment | {"TEST_STOP_AT": "tell"}, "the first chunk is there")
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process, 10)


# -- at random moments -----------------------------------------------------------------------------------------------


@pytest.fixture
def run_until(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> Callable[[float, tuple[str, ...]], None]:
    """Starts a command and kills its main process after so many seconds, if it has not ended by then."""

    def run(seconds: float, overrides: tuple[str, ...]) -> None:
        line = command(*overrides, outputs=tmp_path / "outputs")
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(line, cwd=tmp_path, env=environment, process_group=0, **quiet)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=PATIENCE_S)

    return run


@pytest.mark.parametrize("number", range(KILLS))
def test_run_killed_at_a_random_moment_ends_with_the_same_bytes(
    run_until: Run, run_cli: Run, overrides: tuple[str, ...], undisturbed: bytes, number: int
) -> None:
    chance = random.Random(SEED + number)
    given = (*overrides, f"run.workers={(1, 2, 5)[number % 3]}")
    run_until(1 + LASTS_S * (number + chance.random()) / KILLS, given)
    ended = run_cli(*given)
    assert ended.video.read_bytes() == undisturbed, ended.stderr
    assert parts(ended) == []


# -- a worker --------------------------------------------------------------------------------------------------------


def test_run_whose_workers_are_killed_goes_on_and_says_so(
    command: Callable[..., list[str]],
    environment: dict[str, str],
    overrides: tuple[str, ...],
    undisturbed: bytes,
    tmp_path: Path,
) -> None:
    """While the run stands still after its first chunk. On a quick machine the worker may have done its last chunk by
    then, and nobody misses it; so it is tried a few times."""
    for number in range(6):
        outputs = tmp_path / f"outputs{number}"
        line = command(*overrides, "run.workers=2", outputs=outputs)
        told = environment | {"TEST_STOP_AT": "pause"}
        process = started(line, told, "the first chunk is there", stdout=subprocess.PIPE)
        [victim, *_] = workers_of(process.pid)
        victim.kill()
        out, said = process.communicate(timeout=PATIENCE_S)
        assert Path(out.strip().splitlines()[-1]).read_bytes() == undisturbed, said
        assert "Traceback" not in said
        if notices := [line for line in said.splitlines() if "the system ended a worker process" in line]:
            break
    assert len(notices) == 1
    [events] = (outputs / "runs").rglob("events.jsonl")
    assert "the system ended a worker process" in events.read_text(encoding="utf-8")
