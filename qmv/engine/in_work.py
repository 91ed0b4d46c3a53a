"""Whether a run is still at work in its folder, which others may only read until then.

A run writes its manifest whole, from what it knows itself, so what somebody else writes into it meanwhile is lost. The
mark is a lock of the operating system's, so it ends with the run's process, however that ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from qmv.errors import InputError

__all__ = ["check_at_rest", "in_work"]

_MARK = ".in_work.lock"
_PATIENCE_S = 2.0  # for the last moment of a run, and for another one who looks


@contextlib.contextmanager
def in_work(folder: Path) -> Iterator[None]:
    """Marks a run's folder for the block, which ends with the last word of its manifest."""
    from filelock import FileLock

    lock = FileLock(folder / _MARK, timeout=0)
    with contextlib.suppress(OSError, NotImplementedError):  # a disk that takes no lock has worse to tell, or nothing
        lock.acquire()
    try:
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                (folder / _MARK).unlink(missing_ok=True)
            lock.release()


def check_at_rest(run: Path) -> None:
    """Raises InputError where a run is at work in a folder, which may be named by its manifest.json."""
    from filelock import FileLock, Timeout

    folder = run if run.is_dir() else run.parent
    mark = folder / _MARK
    try:
        if mark.exists():
            with FileLock(mark, timeout=_PATIENCE_S):
                pass  # it is what a killed run left behind
    except Timeout:
        raise InputError(
            f"{folder}: its run is still at work; wait for its end, or end it, and deliver then; where it was "
            f"killed on a disk that knows no locks, delete {mark}."
        ) from None
    except (OSError, NotImplementedError):
        return  # where no lock can be taken, as on a read-only disk, the mark tells nothing
