"""Maps a function over items in worker processes (joblib), results as they come, the same for any worker count."""

from __future__ import annotations

import faulthandler
import logging
import os
import pickle
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from qmv.errors import PluginError, QmvError

__all__ = ["Mapper", "cores", "end_workers", "follow_parent"]

log = logging.getLogger("qmv")

_WATCH = "qmv-follow-parent"
_IN_COMPANY, _LIVES = 2, 4  # how often an item may lose its worker: beside others, then also with none beside it
_FEWEST = 2  # never in this process, which must not be what the system ends next
_waiting: set[str] = set()  # joblib's pool of this process, where it may have workers: it keeps them for the next call


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Mapper:
    """`parallel(function, items, workers)` for Context; `plugin_files` are loaded in each worker first.

    A worker that the system ends, most often for want of memory, costs the items that were in work: they are done
    again, by one worker less, and on the third time one by one. So an item that ends every worker is found, and a
    heavy one has the memory to itself. An item may be done twice, so it must not matter.
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
        todo, left, lost = dict(enumerate(items)), min(workers, len(items)), Counter[int]()
        while todo:
            alone = next((index for index in todo if lost[index] >= _IN_COMPANY), None)
            these, begun = dict(todo) if alone is None else {alone: todo[alone]}, set[int]()
            try:
                with closing(self._pooled(function, these, left if alone is None else _FEWEST, begun)) as results:
                    for index, result in results:
                        del todo[index]
                        yield index, result
            except Exception as error:
                if type(error).__name__ != "TerminatedWorkerError":
                    raise
                lost.update(begun & todo.keys() or these)
                if alone is not None and lost[alone] >= _LIVES:
                    raise _deadly(items[alone]) from error
                log.warning("a worker process was ended by the system; its work is done again", exc_info=True)
                left = max(_FEWEST, left - 1)
                self._tell("the system ended a worker process, most often for want of memory; its work is done again")

    def _pooled(
        self, function: Callable[[Any], Any], items: Mapping[int, Any], workers: int, begun: set[int]
    ) -> Generator[tuple[int, Any], None, None]:
        """`begun` gets the index of each item that is on its way to a worker."""
        from joblib import Parallel, delayed

        def calls() -> Iterator[Any]:
            for index, item in items.items():
                begun.add(index)
                yield delayed(_call)(index, self._plugin_files, pickle.dumps((function, item)))

        # not "all": after an error loky would go on to look for calls that joblib has withdrawn
        pool = Parallel(
            n_jobs=workers, backend="loky", return_as="generator_unordered", batch_size=1, pre_dispatch="2 * n_jobs",
            initializer=follow_parent, initargs=(os.getpid(),),
        )  # fmt: skip
        _waiting.add("loky")
        with _deaf_to_ctrl_c():
            results = pool(calls())
        yield from results


def end_workers() -> None:
    """Ends the workers that wait for more to do, with what they keep in the temp folder; the next call starts anew."""
    if not _waiting:
        return
    from joblib.externals.loky import get_reusable_executor

    pool = get_reusable_executor(reuse=True)
    # joblib's own ends its files too; a new one stands in for one that is at its end already
    pool.terminate(kill_workers=True) if hasattr(pool, "terminate") else pool.shutdown(kill_workers=True)
    _waiting.clear()


def _deadly(item: Any) -> QmvError:
    """`item.what` names it to the user, where it has that."""
    what = getattr(item, "what", "a piece of the work")
    return QmvError(
        f"workers: {what} ended its worker process {_LIVES} times, also with nothing beside it; a plugin crashes "
        "there, or memory is too small; mend that and run the same command again, what is done is kept."
    )


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that are started inside never see Ctrl-C, which a terminal sends to all of them: this one ends them.

    It sees a Ctrl-C of that time at the end of the block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # it comes with the first worker, and would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow_parent(parent: int | None = None) -> None:
    """Ends this worker process soon after its parent: one that is killed by -9 cannot tell its workers to stop.

    A parent that may have ended by now is to be named.
    """
    parent = os.getppid() if parent is None else parent

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if not any(thread.name == _WATCH for thread in threading.enumerate()):
        threading.Thread(target=watch, name=_WATCH, daemon=True).start()


def _call(index: int, plugin_files: tuple[str, ...], payload: bytes) -> tuple[int, Any]:
    if "PYTHONFAULTHANDLER" not in os.environ:
        faulthandler.disable()  # loky turns it on, and it would bury our sentence
    if plugin_files:
        from qmv.engine.plugin_files import load_file

        for file in plugin_files:
            load_file(file)
    function, item = pickle.loads(payload)  # our own bytes, straight from the parent process
    try:
        return index, function(item)
    except (QmvError, OSError):
        raise
    except (Exception, SystemExit) as error:  # it may not survive the way to the parent, its words do
        raise PluginError(f"{type(error).__name__}: {error}") from error
