"""Lets nobody be told "running" for long of a video whose worker is lost, also where no other one is free."""

from __future__ import annotations

import logging
from typing import NoReturn

import gevent

from qmv.service.queue.board import Board, Unavailable

__all__ = ["watch_losses"]

log = logging.getLogger("qmv.web")
_EVERY_S = 2.0


def watch_losses(board: Board, lease_s: float, every_s: float = _EVERY_S) -> NoReturn:
    """Looks for lost workers again and again, in a greenlet of its own.

    At first, and when the queue was away, it waits for a lease: no worker could renew its own meanwhile, and those that
    live speak first.
    """
    pause_s = lease_s
    while True:
        gevent.sleep(max(pause_s, every_s))
        try:
            board.take_back()
            pause_s = every_s
        except Unavailable as error:
            log.debug("losses: the queue cannot be reached (%s)", error)
            pause_s = lease_s
        except Exception:  # whatever a client library raises
            log.warning("losses: lost workers could not be looked for", exc_info=True)
            pause_s = lease_s
