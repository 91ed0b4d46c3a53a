"""What the tests of ended runs share: one small command line, its undisturbed video, and ways to end it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

# Stops the whole process group at a moment, so that the test can kill it just there without a race. It is named in
# every command, so that the commands are the same, and does nothing unless the environment asks for it.
STOPPER = """
import os
import signal
import sys
import time

import qmv.media.mux as mux
from qmv.events import Progress, StageFinished
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
    if MOMENT == "after" and isinstance(event, StageFinished) and event.node == "video":
        print("the video is there", file=sys.stderr, flush=True)
        time.sleep(600)
    if not isinstance(event, Progress) or event.done == event.reused:
        return
    if MOMENT == event.node:
        stop()
    if MOMENT in ("tell", "pause") and event.node == "video" and event.done - event.reused == 1:
        print("the first chunk is there", file=sys.stderr, flush=True)
        if MOMENT == "pause":  # with both workers at work, for the test to choose one
            time.sleep(1)
    if MOMENT == "join" and event.node == "video" and event.done == event.total:
        stop_at_the_join()
"""


@pytest.fixture(scope="session")
def overrides(
    tmp_path_factory: pytest.TempPathFactory, click_track: Callable[..., Path], clicks_plugin: Path
) -> tuple[str, ...]:
    """The one command line of these tests."""
    folder = tmp_path_factory.mktemp("crash")
    song, stopper = click_track(folder / "song.wav"), folder / "stopper.py"
    stopper.write_text(STOPPER, encoding="utf-8")
    return f"song={song}", f"plugins=[{clicks_plugin},{stopper}]", "tracker=clicks", "transition=crossfade"


@pytest.fixture(scope="session")
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


@pytest.fixture
def long_line(command: Callable[..., list[str]], overrides: tuple[str, ...], tmp_path: Path) -> list[str]:
    """A run of two workers that has chunks to encode for a while."""
    slow = ("run.workers=2", "min_images=60", "width=512", "height=512", "quality=high")
    return command(*overrides, *slow, outputs=tmp_path / "outputs")
