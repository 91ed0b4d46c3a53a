"""Clears away what nobody asks for any more: the state, the uploads and the runs of forgotten sessions, and the folders
of old tries. It never touches the cache, the ledger or a video."""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from qmv.service.queue.board import Board, Unavailable
from qmv.service.queue.jobs import CLOSED
from qmv.service.settings import ServiceSettings

__all__ = ["Janitor", "clear"]

log = logging.getLogger("qmv.service")

_EVERY_S = 300.0
_RESTS_S = 3600.0  # an upload lies here before its session is queued; a try is looked into after it failed
_KEPT = ("uploads", "runs")


class Janitor:
    """Clears every few minutes, in one process of a machine at a time."""

    def __init__(self, board: Board, settings: ServiceSettings, every_s: float = _EVERY_S) -> None:
        self._board, self._settings, self._every_s = board, settings, every_s
        self._next_at = 0.0

    def look(self) -> None:
        """Clears where it is time to; costs nothing else."""
        from filelock import FileLock, Timeout

        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + self._every_s
        folder = self._settings.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "janitor.lock", timeout=0):
                if _is_older(folder / "janitor.stamp", self._every_s):
                    clear(self._board, self._settings)
                    (folder / "janitor.stamp").touch()
        except (Timeout, Unavailable):
            return
        except OSError:
            log.warning("the service's folder cannot be cleared now", exc_info=True)


def clear(board: Board, settings: ServiceSettings, rests_s: float = _RESTS_S) -> None:
    """Drops what was kept long enough, and files that no session knows; raises Unavailable."""
    board.forget()
    for kept in _KEPT:
        for folder in _folders(settings.folder / kept):
            # a session that is forgotten may be about to come again under the same ID, with songs sent a moment ago
            if _is_older(folder, rests_s) and board.session(folder.name) is None and _rests(folder, rests_s):
                _remove(folder)
    for folder in _folders(settings.folder / "runs"):
        known = board.session(folder.name)
        closed = {str(video.n) for video in known.videos if video.status in CLOSED} if known else set()
        for video in _folders(folder):
            if video.name in closed:  # of an open one the tries tell what it has cost
                _thin(video, rests_s)


def _rests(folder: Path, age_s: float) -> bool:
    """Whether nothing was put into it, taken out of it or sent again for so long."""
    try:
        inside = [*folder.iterdir()]
    except OSError:
        return False
    return all(_is_older(path, age_s) for path in (folder, *inside))


def _remove(folder: Path) -> None:
    """At once, so that who writes into it meanwhile hears of it."""
    gone = folder.with_name(f".{secrets.token_hex(8)}.gone")
    with contextlib.suppress(OSError):  # Windows, where somebody reads in it; the next time will do
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _thin(video: Path, rests_s: float) -> None:
    """Leaves the newest try of a video."""
    tries = sorted(_folders(video), key=lambda folder: folder.stat().st_mtime)
    for folder in tries[:-1]:
        if _is_older(folder, rests_s):
            shutil.rmtree(folder, ignore_errors=True)


def _folders(place: Path) -> Iterator[Path]:
    return (folder for folder in place.iterdir() if folder.is_dir()) if place.is_dir() else iter(())


def _is_older(path: Path, age_s: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > age_s
    except OSError:
        return not path.exists()
