"""Tries at a job, in this process."""

from __future__ import annotations

import threading

from qmv.service.queue.board import Board
from qmv.service.work.attempt import perform
from tests.service.work.rendering import Place, eventually

__all__ = ["started", "tried"]


def tried(place: Place, board: Board, leaving: threading.Event | None = None) -> None:
    claim = board.claim("w")
    assert claim is not None
    perform(claim, board, place.settings, leaving or threading.Event())


def started(place: Place, board: Board, leaving: threading.Event | None = None, *, count: int = 1) -> threading.Thread:
    """A try in a thread, once its render, the `count`-th of this place, is at the stage in which it dawdles."""
    thread = threading.Thread(target=tried, args=(place, board, leaving))
    thread.start()
    eventually(lambda: len(place.seen("dawdles")) >= count)
    return thread
