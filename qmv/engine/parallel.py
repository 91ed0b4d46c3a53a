"""Maps a function over items in worker processes (joblib), results as they come, the same for any worker count."""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from qmv.errors import PluginError, QmvError

__all__ = ["Mapper", "cores", "follow_parent"]

log = logging.getLogger("qmv")

_WATCH = "qmv-follow-parent"
_LIVES = 3  # workers that may be lost in a row without a single item done
_FEWEST = 2  # never in this process, which must not be what the system ends next


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Mapper:
    """`parallel(function, items, workers)` for Context; `plugin_files` are loaded in each worker first.

    A worker that the system ends, most often for want of memory, costs the items that were in work: they are done
    again, by one worker less. An item may be done twice, so it must not matter.
    """

    def __init__(self, plugin_files: Sequence[str], tell: Callable[[str], None] = lambda _: None) -> None:
        self._plugin_files = tuple(plugin_files)
        self._tell = tell

    def __call__(
        self, function: Callable[[Any], Any], items: Sequence[Any], workers: int
    ) -> Generator[tuple[int, Any], None, None]:
        if min(workers, len(items)) <= 1:
            yield from ((index, function(item)) for index, item in enumerate(items))
            return
        todo, left, lives = dict(enumerate(items)), min(workers, len(items)), _LIVES
        while todo:
            try:
                with closing(self._pooled(function, dict(todo), left)) as results:
                    for index, result in results:
                        del todo[index]
                        lives = _LIVES
                        yield index, result
            except Exception as error:
                lives -= 1
                if type(error).__name__ != "TerminatedWorkerError" or not lives:
                    raise
                log.warning("a worker process was ended by the system", exc_info=True)
                left = max(_FEWEST, left - 1)
                self._tell("the system ended a worker process, most often for want of memory; its work is done again")

    def _pooled(
        self, function: Callable[[Any], Any], items: Mapping[int, Any], workers: int
    ) -> Generator[tuple[int, Any], None, None]:
        from joblib import Parallel, delayed

        calls = (
            delayed(_call)(index, self._plugin_files, pickle.dumps((function, item))) for index, item in items.items()
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
