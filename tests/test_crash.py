"""kill -9 at any moment, runs at the same time, other worker counts: the same bytes, and nothing is made twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Run = Callable[..., Any]

# Stops the whole process group at a moment, so that the test can kill it just there without a race. It is named in
# every command, so that the commands are the same, and does nothing unless the environment asks for it.
STOPPER = """
import os
import signal
import sys

import qmv.media.mux as mux
from qmv.events import Progress
from qmv.hookspecs import hookimpl

MOMENT = os.environ.get("TEST_STOP_AT", "")


def stop():
    if os.getpgrp() == os.getpid():  # only a group of its own, never the one that runs the tests
        os.killpg(os.getpgrp(), signal.SIGSTOP)


def stop_at_the_join():
    # when pictures and sound are being written
    read = mux._audio_packets

    def packets(*given):
        for number, packet in enumerate(read(*given)):
            if number == 3:
                stop()
            yield packet

    mux._audio_packets = packets


@hookimpl
def qmv_event(event):
    if not isinstance(event, Progress) or event.done == event.reused:
        return
    if MOMENT == event.node:
        stop()
    if MOMENT == "tell" and event.node == "video":
        print("the first chunk is there", file=sys.stderr, flush=True)
    if MOMENT == "join" and event.node == "video" and event.done == event.total:
        stop_at_the_join()
"""


@pytest.fixture(scope="module")
def overrides(
    tmp_path_factory: pytest.TempPathFactory, click_track: Callable[..., Path], clicks_plugin: Path
) -> tuple[str, ...]:
    """The one command line of these tests."""
    folder = tmp_path_factory.mktemp("crash")
    song, stopper = click_track(folder / "song.wav"), folder / "stopper.py"
    stopper.write_text(STOPPER, encoding="utf-8")
    return f"song={song}", f"plugins=[{clicks_plugin},{stopper}]", "tracker=clicks", "transition=crossfade"


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
    command: Callable[..., list[str]],
    environment: dict[str, str],
    overrides: tuple[str, ...],
) -> bytes:
    """The video of a run that nothing happens to, in an outputs folder of its own."""
    line = command(*overrides, outputs=tmp_path_factory.mktemp("undisturbed"))
    ended = subprocess.run(line, env=environment, capture_output=True, text=True, check=True, timeout=120)
    return Path(ended.stdout.strip().splitlines()[-1]).read_bytes()


@pytest.fixture
def kill_at(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path, overrides: tuple[str, ...]
) -> Callable[..., None]:
    """Starts the command in a process group of its own and kills all of it at a moment."""

    def run(moment: str, outputs: Path, *more: str) -> None:
        stop = {"TEST_STOP_AT": moment}
        process = subprocess.Popen(
            command(*overrides, *more, outputs=outputs),
            cwd=tmp_path,
            env=environment | stop,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"the run ended before its {moment}"
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL

    return run


def manifest(ended: Any) -> dict[str, Any]:
    return json.loads((ended.video.parent / "manifest.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def stages(ended: Any) -> dict[str, dict[str, Any]]:
    return {stage["node"]: stage for stage in manifest(ended)["stages"]}


def parts(ended: Any) -> list[Path]:
    return [path for path in ended.found("*.part*") if "cache" in path.parts]


# -- kill -9 ---------------------------------------------------------------------------------------------------------


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


# -- side by side ----------------------------------------------------------------------------------------------------


def test_two_runs_of_one_command_at_the_same_time_give_the_same_bytes(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    line = command(*overrides, outputs=tmp_path / "outputs")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(line, cwd=tmp_path, env=environment, **pipes) for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    first, second = (Path(out.strip().splitlines()[-1]) for out, _ in ended)
    assert (first != second, first.read_bytes() == second.read_bytes()) == (True, True)


def test_two_runs_at_the_same_time_make_each_picture_once(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [command(*overrides, f"quality.crf={crf}", outputs=tmp_path / "outputs") for crf in (20, 30)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(line, cwd=tmp_path, env=environment, **quiet) for line in lines]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    counts = [json.loads(path.read_text())["pictures"] for path in (tmp_path / "outputs").rglob("manifest.json")]
    assert sum(count["made"] for count in counts) == 8


def test_any_number_of_workers_gives_the_same_bytes(
    run_cli: Run, overrides: tuple[str, ...], undisturbed: bytes
) -> None:
    assert run_cli(*overrides, "run.workers=2").video.read_bytes() == undisturbed


# -- cancelled -------------------------------------------------------------------------------------------------------


HANGING = """
import time

from qmv.api import ImageProvider, plugin
from qmv.hookspecs import hookimpl


@plugin
class Hanging(ImageProvider):
    "Never gives a picture."

    name = "hanging"

    def render(self, request):
        time.sleep(600)


@hookimpl
def qmv_image_providers():
    return [Hanging]
"""


def started(line: list[str], environment: dict[str, str], words: str) -> subprocess.Popen[str]:
    """A run in a process group of its own, once it has said something on stderr."""
    process = subprocess.Popen(
        line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert process.stderr is not None
    for said in process.stderr:
        if words in said:
            return process
    raise AssertionError(f"the run ended before it said '{words}'")


def gone(group: int, seconds: float) -> bool:
    """Whether every process of a group has ended within a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        threading.Event().wait(0.1)
    os.killpg(group, signal.SIGKILL)
    return False


@pytest.fixture
def long_line(command: Callable[..., list[str]], overrides: tuple[str, ...], tmp_path: Path) -> list[str]:
    """A run of two workers that has chunks to encode for a while."""
    slow = ("run.workers=2", "min_images=60", "width=512", "height=512", "quality=high")
    return command(*overrides, *slow, outputs=tmp_path / "outputs")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_cancelled_run_ends_quietly_with_all_its_workers(
    long_line: list[str], environment: dict[str, str], sign: signal.Signals
) -> None:
    process = started(long_line, environment | {"TEST_STOP_AT": "tell"}, "the first chunk is there")
    os.kill(process.pid, sign)
    _, said = process.communicate(timeout=20)
    assert gone(process.pid, 5)
    assert (process.returncode, "Traceback" in said, "cancelled; the same command goes on" in said) == (
        130,
        False,
        True,
    )


def test_workers_end_soon_after_a_killed_parent(long_line: list[str], environment: dict[str, str]) -> None:
    """Each looks for its parent once a second."""
    process = started(long_line, environment | {"TEST_STOP_AT": "tell"}, "the first chunk is there")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    assert gone(process.pid, 10)


def test_run_with_a_picture_that_hangs_can_be_cancelled(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING, encoding="utf-8")
    song, plugins, *rest = overrides
    plugins = plugins.replace("]", f",{tmp_path / 'hanging.py'}]")
    line = command(song, plugins, *rest, outputs=tmp_path / "outputs")
    process = started([*line, "image=hanging"], environment, "[2/6]")
    threading.Event().wait(1)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, "cancelled; the same command goes on" in said) == (130, True)


@pytest.mark.parametrize("ignored", ["", "nohup "], ids=["terminal", "nohup"])
def test_closed_terminal_ends_a_run_unless_it_is_under_nohup(
    long_line: list[str], environment: dict[str, str], ignored: str
) -> None:
    line = [*ignored.split(), *long_line]
    process = started(line, environment | {"TEST_STOP_AT": "tell"}, "the first chunk is there")
    os.kill(process.pid, signal.SIGHUP)
    if not ignored:
        process.communicate(timeout=20)
        assert process.returncode == 130
        return
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.5)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=20)


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
        cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, b"")
