"""Runs of the command line as processes that can be watched, and what they leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

__all__ = ["PATIENCE_S", "Run", "await_ffmpeg", "gone", "left", "parts", "stages", "started", "workers_of"]

Run = Callable[..., Any]
PATIENCE_S = 120  # for a busy machine


def stages(ended: Any) -> dict[str, dict[str, Any]]:
    """The stages of a finished run by node, as its manifest has them."""
    manifest = json.loads((ended.video.parent / "manifest.json").read_text(encoding="utf-8"))
    return {stage["node"]: stage for stage in manifest["stages"]}


def parts(ended: Any) -> list[Path]:
    return [path for path in ended.found("*.part*") if "cache" in path.parts]


def left(outputs: Path) -> list[Path]:
    """What lies in the cache that is neither a whole entry nor the lock of one."""
    entries = [path for path in (outputs / "cache").glob("*/??/*") if path.suffix != ".lock"]
    return [path for path in entries if not (path / "sums.json").is_file()]


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a run."""
    return [child for child in psutil.Process(pid).children() if "resource_tracker" not in " ".join(child.cmdline())]


def await_ffmpeg(pid: int) -> None:
    """Until a worker of a run has a program ffmpeg of its own."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.name().startswith("ffmpeg"):
                    return
        threading.Event().wait(0.01)
    raise AssertionError("no ffmpeg has been started")


def started(line: list[str], environment: dict[str, str], words: str, **settings: Any) -> subprocess.Popen[str]:
    """A run in a process group of its own, once it has said something on stderr."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | settings
    process = subprocess.Popen(line, env=environment, process_group=0, **pipes)
    assert process.stderr is not None
    for said in process.stderr:
        if words in said:
            return process
    raise AssertionError(f"the run ended before it said '{words}'")


def gone(leader: subprocess.Popen[str], seconds: float) -> bool:
    """Whether every process of a group has ended within a time; while this machine stands still, none passes."""
    passed_s, at = 0.0, time.monotonic()
    while passed_s < seconds:
        leader.poll()
        try:
            os.killpg(leader.pid, 0)
        except ProcessLookupError:
            return True
        threading.Event().wait(0.1)
        passed_s, at = passed_s + min(time.monotonic() - at, 0.5), time.monotonic()
    os.killpg(leader.pid, signal.SIGKILL)
    return False
