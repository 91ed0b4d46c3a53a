"""Lets nobody be told "running" for long of a video whose worker is lost, also where no other one is free."""

from __future__ import annotations

import logging
import time
from typing import NoReturn

import gevent

from qmv.service.queue.board import Board, Unavailable
from qmv.service.work.clock import now_s

__all__ = ["watch_losses"]

log = logging.getLogger("qmv.web")
_EVERY_S = 2.0
_LATE = 4  # of a lease: less than `take_back` spares a worker that is late


def watch_losses(board: Board, lease_s: float, every_s: float = _EVERY_S) -> NoReturn:
    """Looks for lost workers again and again, in a greenlet of its own.

    It takes back what is theirs only where the queue has answered for a lease without a gap: at first, and after a
    time in which no worker could renew its own, those that live speak first.
    """
    wait_s, failing, then = lease_s, False, _clocks()
    while True:
        gevent.sleep(every_s)
        before, then = then, _clocks()
        if _stood_still(before, then, every_s + lease_s / _LATE):
            wait_s = lease_s
        try:
            if wait_s > 0:
                board.due()  # changes nothing, and tells whether the queue can be reached
            else:
                board.take_back()
                failing = False
            wait_s -= every_s
        except Unavailable as error:
            log.debug("losses: the queue cannot be reached (%s)", error)
            wait_s = lease_s
        except Exception:  # whatever a client library raises
            if not failing:
                log.warning("losses: lost workers could not be looked for", exc_info=True)
            wait_s, failing = lease_s, True


def _clocks() -> tuple[float, float]:
    """The time of day, by which a queue on this machine counts leases, and the time that passes."""
    return time.time(), now_s()


def _stood_still(before: tuple[float, float], after: tuple[float, float], most_s: float) -> bool:
    """Whether this machine slept, we were stopped, or its clock was put on, between two looks: the workers, too."""
    return any(now - then > most_s for then, now in zip(before, after))
