"""Costs of a command: wall time, CPU time and memory of its whole process tree, and what every benchmark prints with.

CPU seconds, not wall seconds, are what is compared: they hardly change on a machine that does other work too.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["REPO", "Cost", "machine", "measure", "median_cost", "table", "write_json"]

REPO = Path(__file__).resolve().parents[1]
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of a finished command; `cpu_s` is user + system of the command and of all that it started, `peak_mb` the
    most memory that they had together (see benchmarks.memory).
    """

    wall_s: float
    cpu_s: float
    stdout: str
    peak_mb: float = 0.0


def measure(command: Sequence[str | os.PathLike[str]]) -> Cost:
    """Runs a command from the repository's folder and waits for every process of its tree; raises RuntimeError where
    it fails. A child of the caller's own that ends meanwhile is counted too.
    """
    from benchmarks.memory import TreeMemory

    others = _children()
    _adopt_orphans(True)
    before, started = _children_cpu_s(), time.perf_counter()
    with TreeMemory() as memory:
        done = subprocess.run(
            [os.fspath(part) for part in command], cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        wall_s = time.perf_counter() - started
    _wait_for(lambda: _children() - others)
    _adopt_orphans(False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Cost(wall_s=wall_s, cpu_s=_children_cpu_s() - before, stdout=done.stdout, peak_mb=memory.peak_mb)


def _children_cpu_s() -> float:
    """CPU time of the children that were waited for, theirs included; exact, since the kernel adds it up."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _adopt_orphans(yes: bool) -> None:
    """Makes a worker that outlives its parent this process's child (Linux), so that it is counted too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def _children() -> set[int]:
    import psutil

    return {child.pid for child in psutil.Process().children()}


def _wait_for(children: Callable[[], set[int]]) -> None:
    """Until there are none; one that ends may leave others to this process."""
    while left := children():
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def median_cost(costs: Sequence[Cost]) -> tuple[float, float]:
    """Median wall and CPU seconds."""
    return statistics.median(cost.wall_s for cost in costs), statistics.median(cost.cpu_s for cost in costs)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    from importlib import metadata

    names = ("av", "numpy", "opencv-python-headless", "pillow")
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in names},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints rows of values; numbers stand to the right. Plain text, as wide as it has to be."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        made.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(width=160).print(made)


def write_json(path: Path | None, name: str, figures: dict[str, Any]) -> None:
    """Writes the figures with the machine that they come from; nothing where no path is given."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"benchmark": name, "machine": machine(), **figures}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
