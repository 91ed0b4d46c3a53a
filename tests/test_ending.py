"""A run ends in the sentence and with the exit code of what ended it, whatever signals come meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PATIENCE_S = 120  # for a busy machine; each of these ends within a second or two otherwise

BEGINNING = """
import atexit, os, signal, sys, threading
from omegaconf import OmegaConf
from qmv import ending
from qmv.engine.sweeps import SweepWatch

def sweep(folder):
    hydra = {"sweep": {"dir": folder}, "overrides": {"task": []}}
    SweepWatch().on_multirun_start(OmegaConf.create({"hydra": hydra, "outputs": folder}))

def say(words):
    print(words, flush=True)

def hang():
    say("hangs")
    threading.Event().wait()

def see_through(work):
    ending.see_through(work, lambda error: error)

folder = sys.argv.pop()
"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Starts a process that does what a text says."""
    started = []

    def begin(text: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", f"{BEGINNING}\n{text}", str(tmp_path)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(line, env=environment, cwd=tmp_path, text=True, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """(exit code, lines on stderr)"""
    _, said = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said.splitlines()


def await_hang(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "hangs\n"


def await_reader(pipe: Path) -> int:
    """Until a process reads a pipe, which goes on until the file is closed that this gives."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody has opened it yet
            threading.Event().wait(0.01)
    raise AssertionError("nobody has read the manifest")


@pytest.fixture
def slow_manifest(tmp_path: Path) -> Path:
    """That of a sweep's job, on a disk that does not answer."""
    (tmp_path / "0").mkdir()
    os.mkfifo(tmp_path / "0" / "manifest.json")
    return tmp_path / "0" / "manifest.json"


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_ends_the_process_while_a_sweep_is_cancelled(
    start: Start, slow_manifest: Path, second: signal.Signals
) -> None:
    process = start("see_through(lambda: (sweep(folder), hang()))")
    await_hang(process)
    process.send_signal(signal.SIGINT)
    file = await_reader(slow_manifest)
    process.send_signal(second)
    assert end(process) == (130, [])
    os.close(file)


def test_signal_while_a_failure_is_told_leaves_its_sentence_and_its_exit_code(
    start: Start, slow_manifest: Path
) -> None:
    text = """
from qmv.errors import ServiceError
def fail():
    sweep(folder)
    raise ServiceError("image: no answer; try again.")
see_through(fail)
"""
    process = start(text)
    file = await_reader(slow_manifest)
    process.send_signal(signal.SIGTERM)
    assert end(process) == (75, ["error: image: no answer; try again."])
    os.close(file)


def test_signal_that_a_library_makes_another_error_of_cancels(start: Start) -> None:
    text = """
def library():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt as error:
        raise ImportError("numpy is broken") from error
see_through(library)
"""
    assert end(start(text)) == (130, ["cancelled; the same command goes on from here"])


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_process_that_hangs_in_a_hook_after_its_run(start: Start, way: signal.Signals) -> None:
    process = start("from qmv import app\natexit.register(hang)\napp.launch(lambda: None)")
    await_hang(process)
    process.send_signal(way)
    assert end(process) == (0, [])
