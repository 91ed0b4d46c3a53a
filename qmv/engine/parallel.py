"""Maps a function over items in worker processes (joblib), results as they come, the same for any worker count."""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from qmv.errors import PluginError, QmvError

__all__ = ["Mapper", "cores", "follow_parent"]

_WATCH = "qmv-follow-parent"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Mapper:
    """`parallel(function, items, workers)` for Context; `plugin_files` are loaded in each worker first."""

    def __init__(self, plugin_files: Sequence[str]) -> None:
        self._plugin_files = tuple(plugin_files)

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[tuple[int, Any]]:
        workers = min(workers, len(items))
        if workers <= 1:
            yield from ((index, function(item)) for index, item in enumerate(items))
            return
        from joblib import Parallel, delayed

        calls = (
            delayed(_call)(index, self._plugin_files, pickle.dumps((function, item)))
            for index, item in enumerate(items)
        )
        # not "all": after an error loky would go on to look for calls that joblib has withdrawn
        pool = Parallel(
            n_jobs=workers, backend="loky", return_as="generator_unordered", batch_size=1, pre_dispatch="2 * n_jobs"
        )
        yield from pool(calls)


def follow_parent() -> None:
    """Ends this worker process soon after its parent: one that is killed by -9 cannot tell its workers to stop."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if not any(thread.name == _WATCH for thread in threading.enumerate()):
        threading.Thread(target=watch, name=_WATCH, daemon=True).start()


def _call(index: int, plugin_files: tuple[str, ...], payload: bytes) -> tuple[int, Any]:
    follow_parent()
    if plugin_files:
        from qmv.engine.registry import load_file

        for file in plugin_files:
            load_file(file)
    function, item = pickle.loads(payload)  # our own bytes, straight from the parent process
    try:
        return index, function(item)
    except (QmvError, OSError):
        raise
    except (Exception, SystemExit) as error:  # it may not survive the way to the parent, its words do
        raise PluginError(f"{type(error).__name__}: {error}") from error
