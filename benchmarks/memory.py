"""The peak memory of a tree of processes, sampled beside it.

Shared pages count once: the sum of PSS (Linux), where a page that n processes share counts 1/n for each. Elsewhere it
is the sum of RSS, which counts them n times. Reading PSS makes the kernel walk the process's pages, so it is only done
where a new peak is possible. The pauses are such that listing takes at most 0.5 % of a core, and so does reading.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Due", "TreeMemory", "descendants"]

_INTERVAL_S = 0.05
_SHARE = 0.005  # of one core, for listing processes, and the same again for reading PSS
_LONGEST_PAUSE_S = 0.3
_GROWTH = 1.02


class Due:
    """Whether PSS is worth reading: RSS is never below it, so a peak needs an RSS above the peak so far."""

    def __init__(self) -> None:
        self.peak = 0
        self._rss = 0
        self._again_s = 0.0

    def __call__(self, rss: int, now_s: float) -> bool:
        return rss > self.peak and (rss > self._rss * _GROWTH or now_s >= self._again_s)

    def took(self, rss: int, pss: int, began_s: float, ended_s: float) -> None:
        """Tells of a reading."""
        self.peak, self._rss = max(self.peak, pss), rss
        self._again_s = ended_s + (ended_s - began_s) / _SHARE


class TreeMemory:
    """Samples every descendant of this process from `with` to its end; `peak_mb` is in units of 10^6 bytes."""

    def __init__(self, interval_s: float = _INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._due, self._known = Due(), dict[int, Any]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def peak_mb(self) -> float:
        return self._due.peak / 1e6

    def __enter__(self) -> TreeMemory:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        import psutil  # noqa: F401  # here, so that its loading is not taken for the cost of a sample

        pause_s = 0.0
        while not self._stop.wait(max(self._interval_s, min(pause_s, _LONGEST_PAUSE_S))):
            spent_s = time.thread_time()
            tree = [self._process(pid) for pid in descendants(os.getpid())]
            rss = sum(map(_rss, tree))
            pause_s = (time.thread_time() - spent_s) / _SHARE
            began_s = time.perf_counter()
            if self._due(rss, began_s):
                pss = sum(map(_pss, tree))
                self._due.took(rss, pss, began_s, time.perf_counter())

    def _process(self, pid: int) -> Any:
        import psutil

        if pid not in self._known:
            try:
                self._known[pid] = psutil.Process(pid)
            except psutil.Error:  # it has ended since it was listed
                return None
        return self._known[pid]


def _rss(process: Any) -> int:
    import psutil

    try:
        return int(process.memory_info().rss) if process else 0
    except psutil.Error:
        return 0


def _pss(process: Any) -> int:
    import psutil

    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or _rss(process) if process else 0
    except psutil.AccessDenied:
        return _rss(process)
    except psutil.Error:
        return 0


def descendants(pid: int) -> list[int]:
    """The processes below one. The kernel's own list of children is read where there is one: psutil reads the whole
    process table, which takes 20 times as long.
    """
    own = Path("/proc/self/task") / str(threading.get_native_id()) / "children"
    if not own.exists():
        import psutil

        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    found, open_ = list[int](), [pid]
    while open_:
        children = _children(open_.pop())
        found += children
        open_ += children
    return found


def _children(pid: int) -> list[int]:
    folder, found = f"/proc/{pid}/task", list[int]()
    try:
        threads = os.listdir(folder)  # noqa: PTH208  # twenty times a second: no Path for each
    except OSError:
        return []
    for thread in threads:
        try:
            with open(f"{folder}/{thread}/children", encoding="ascii") as file:  # noqa: PTH123
                found += map(int, file.read().split())
        except OSError:
            continue  # the thread has ended
    return found
