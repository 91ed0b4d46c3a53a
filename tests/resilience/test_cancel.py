"""A cancelled run ends at once with all that it started, leaves nothing unfinished, and keeps what is finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.media.coding import ffmpeg_program
from tests.resilience.runs import PATIENCE_S, Run, await_ffmpeg, gone, left, stages, started

pytestmark = pytest.mark.slow

SOON_S = 10  # users are promised 2 s, and wait about 0.3 s; the machine of the tests may be busy
SHARED = Path("/dev/shm")  # joblib's temp folder where there is one

HANGING = """
import sys
import time

from qmv.api import ImageProvider, plugin
from qmv.hookspecs import hookimpl


@plugin
class Hanging(ImageProvider):
    "Never gives a picture."

    name = "hanging"

    def render(self, request):
        print("hangs", file=sys.stderr, flush=True)
        time.sleep(600)


@hookimpl
def qmv_image_providers():
    return [Hanging]
"""

BROKEN = """
import os
import signal

from qmv.api import ImageProvider, plugin
from qmv.hookspecs import hookimpl


@plugin
class Broken(ImageProvider):
    "Hides that it was interrupted."

    name = "broken"

    def __post_init__(self):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy is broken")

    def render(self, request):
        raise NotImplementedError


@hookimpl
def qmv_image_providers():
    return [Broken]
"""


# -- the chunks ------------------------------------------------------------------------------------------------------


def cancel(process: subprocess.Popen[str], way: str) -> str:
    """Cancels a run and all its processes soon; gives the rest of what it says."""
    if way == "Ctrl-C":  # a terminal tells every process
        os.killpg(process.pid, signal.SIGINT)
    else:
        os.kill(process.pid, getattr(signal, way))
    assert gone(process, SOON_S)
    return process.communicate(timeout=PATIENCE_S)[1]


def told(process: subprocess.Popen[str], said: str) -> tuple[int, bool, bool]:
    """(exit code, whether something other than sentences was said, whether the last one was)"""
    noise = any(word in said for word in ("Traceback", "Error", "Warning", "LokyProcess"))
    return process.returncode, noise, said.rstrip().endswith("cancelled; the same command goes on from here")


@pytest.mark.parametrize(("way", "workers"), [("Ctrl-C", 1), ("Ctrl-C", 5), ("SIGINT", 2), ("SIGTERM", 2)])
def test_cancelled_run_ends_quietly_with_all_its_workers(
    long_line: list[str], environment: dict[str, str], tmp_path: Path, way: str, workers: int
) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    line = [*long_line, f"run.workers={workers}"]
    env = environment | {"TEST_STOP_AT": "tell", "TMPDIR": str(temp)}
    process = started(line, env, "the first chunk is there")
    said = cancel(process, way)
    assert told(process, said) == (130, False, True)
    assert (left(tmp_path / "outputs"), list(temp.iterdir())) == ([], [])
    assert [path for path in SHARED.glob("*") if f"_{process.pid}_" in path.name] == []


def test_cancelled_run_keeps_its_finished_chunks(
    command: Callable[..., list[str]],
    environment: dict[str, str],
    run_cli: Run,
    overrides: tuple[str, ...],
    tmp_path: Path,
) -> None:
    line = command(*overrides, "run.workers=2", outputs=tmp_path / "outputs")
    process = started(line, environment | {"TEST_STOP_AT": "pause"}, "the first chunk is there")
    cancel(process, "Ctrl-C")
    kept = len([path for path in (tmp_path / "outputs" / "cache" / "chunks").glob("??/*") if path.suffix != ".lock"])
    video = stages(run_cli(*overrides))["video"]
    assert (kept >= 1, video["reused"], video["made"]) == (True, kept, 8 - kept)


# -- a sweep ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
def test_jobs_of_a_cancelled_sweep_say_that_they_were_cancelled(
    long_line: list[str], environment: dict[str, str], tmp_path: Path, way: str
) -> None:
    """Each that was in work, in a worker process of its own that joblib kills."""
    line = [*long_line, "run.workers=1", "-m", "seed=1,2"]
    process = started(line, environment | {"TEST_STOP_AT": "tell"}, "the first chunk is there")
    said = cancel(process, way)
    assert (process.returncode, "Traceback" in said, " stopped: " in said) == (130, False, False)
    assert " of 2 jobs finished, " in said
    assert said.endswith("cancelled; the same command goes on from here\n")
    jobs = sorted((tmp_path / "outputs" / "sweeps").rglob("manifest.json"))
    ends = [json.loads(job.read_text(encoding="utf-8")) for job in jobs]
    assert {(end["status"], end["error"]) for end in ends} == {("cancelled", "cancelled")}
    for job in jobs:
        events = [json.loads(line) for line in (job.parent / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        assert (events[-1]["event"], events[-1]["status"]) == ("RunFinished", "cancelled")


# -- the other stages ------------------------------------------------------------------------------------------------


def test_run_can_be_cancelled_while_it_looks_for_the_crf(
    long_line: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    """Workers then have a program of their own at work, ffmpeg."""
    ffmpeg = subprocess.run([ffmpeg_program(), "-filters"], capture_output=True, text=True, check=False).stdout
    if "libvmaf" not in ffmpeg:
        pytest.skip("this ffmpeg has no libvmaf")
    process = started([*long_line, "quality.vmaf=90"], environment, "looking for the crf")
    await_ffmpeg(process.pid)
    said = cancel(process, "Ctrl-C")
    assert told(process, said) == (130, False, True)
    assert left(tmp_path / "outputs") == []


def test_run_cancelled_after_its_video_leaves_no_worker_behind(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    line = command(*overrides, "run.workers=2", outputs=tmp_path / "outputs")
    process = started(line, environment | {"TEST_STOP_AT": "after"}, "the video is there")
    said = cancel(process, "Ctrl-C")
    assert told(process, said) == (130, False, True)


def test_run_with_a_picture_that_hangs_can_be_cancelled(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING, encoding="utf-8")
    song, plugins, *rest = overrides
    plugins = plugins.replace("]", f",{tmp_path / 'hanging.py'}]")
    line = command(song, plugins, *rest, outputs=tmp_path / "outputs")
    process = started([*line, "image=hanging"], environment, "hangs")
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, "cancelled; the same command goes on" in said) == (130, True)


def test_run_is_cancelled_though_a_library_makes_another_error_of_ctrl_c(
    run_cli: Run, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text(BROKEN, encoding="utf-8")
    song, plugins, *rest = overrides
    ended = run_cli(song, plugins.replace("]", f",{tmp_path / 'broken.py'}]"), *rest, "image=broken")
    assert (ended.rc, ended.stderr.splitlines()[-1]) == (130, "cancelled; the same command goes on from here")
    assert "error:" not in ended.stderr


@pytest.mark.parametrize("ignored", ["", "nohup "], ids=["terminal", "nohup"])
def test_closed_terminal_ends_a_run_unless_it_is_under_nohup(
    long_line: list[str], environment: dict[str, str], ignored: str
) -> None:
    line = [*ignored.split(), *long_line]
    process = started(line, environment | {"TEST_STOP_AT": "tell"}, "the first chunk is there")
    os.kill(process.pid, signal.SIGHUP)
    if not ignored:
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
        return
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.5)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)


# Signals after the end of a run, while Python shuts down: in the last of its hooks, or in the wait for a thread.
LATE = {
    "hook": """
import atexit, os, signal
atexit.register(lambda: os.kill(os.getpid(), getattr(signal, os.environ["TEST_SIGNAL"])))
""",
    "thread": """
import os, signal, threading, time
def late():
    threading.main_thread().join()  # until Python waits for this thread
    while True:  # as people do: Python sleeps through one that comes just before it begins to wait
        os.kill(os.getpid(), getattr(signal, os.environ["TEST_SIGNAL"]))
        time.sleep(0.1)
threading.Thread(target=late).start()
""",
}


@pytest.mark.parametrize(
    "late",
    [
        ("SIGINT", "hook", 0),
        ("SIGTERM", "hook", 0),
        ("SIGINT", "thread", 0),
        ("SIGTERM", "thread", 0),
        ("SIGINT", "thread", 1),
    ],
)
def test_signal_after_the_end_does_not_change_how_the_run_ended(
    run_cli: Run, overrides: tuple[str, ...], tmp_path: Path, late: tuple[str, str, int]
) -> None:
    number, moment, rc = late
    (tmp_path / "late.py").write_text(LATE[moment], encoding="utf-8")
    song, plugins, tracker, _ = overrides
    given = (
        song,
        plugins.replace("]", f",{tmp_path / 'late.py'}]"),
        tracker,
        f"graph={'nothing' if rc else 'storyboard'}",
    )
    ended = run_cli(*given, env={"TEST_SIGNAL": number})
    assert (ended.rc, "Traceback" in ended.stderr, "cancelled" in ended.stderr) == (rc, False, False), ended.stderr


def test_ctrl_c_while_libraries_load_shows_no_traceback(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> None:
    early = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "omegaconf":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""
    (tmp_path / "sitecustomize.py").write_text(early, encoding="utf-8")
    ended = subprocess.run(
        command(outputs=tmp_path / "outputs"), env=environment | {"PYTHONPATH": str(tmp_path)}, capture_output=True,
        cwd=tmp_path, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, b"")
