"""How a worker shows that it is there, with Redis and without: by a name, by a sign of life, and by clearing up."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from qmv.engine.secrets import redacted
from qmv.service.queue.board import Board, Unavailable
from qmv.service.settings import ServiceSettings
from qmv.service.work.attempt import Leaving
from qmv.service.work.janitor import Janitor

__all__ = ["name", "show"]

log = logging.getLogger("qmv.service")

_EVERY_S = 1.0
_Also = Callable[[Board], object]


def name() -> str:
    """This process, as the board knows it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def show(opened: Callable[[], Board], settings: ServiceSettings, leaving: Leaving, also: _Also | None = None) -> None:
    """Begins a thread that says every second that this worker is alive, also while it renders, and clears up; `also` is
    done with it. It ends when the worker leaves, and by nothing else."""
    threading.Thread(target=_show, args=(opened, settings, leaving, also), name="qmv-presence", daemon=True).start()


def _show(opened: Callable[[], Board], settings: ServiceSettings, leaving: Leaving, also: _Also | None) -> None:
    board: Board | None = None
    janitor: Janitor | None = None
    while not leaving.is_set():
        try:
            board = board or opened()
            janitor = janitor or Janitor(board, settings)
            board.seen(name())
            if also is not None:
                also(board)
            janitor.look()
        except Unavailable as error:
            log.debug("%s", redacted(str(error)))
        except Exception:  # whatever a client library raises
            log.warning("the sign of life failed", exc_info=True)
        time.sleep(_EVERY_S)
