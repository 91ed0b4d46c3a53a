"""A worker's hold on its job: what keeps it, and what is told to a board that may be away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from qmv.engine.secrets import redacted
from qmv.live.progress import Live
from qmv.service.queue.board import Board, Unavailable, Word
from qmv.service.queue.jobs import Claim
from qmv.service.work.clock import now_s

__all__ = ["Lease"]

log = logging.getLogger("qmv.service")

_TELLS_EVERY_S = 0.35  # where there is something to tell
_BEATS_EVERY_S = 1.0  # where there is nothing: by it a worker hears that its job is cancelled
_ASKS_AGAIN_S, _ASKS_AGAIN_AT_LAST_S = 0.5, 5.0


class Lease:
    """Until when the render may go on (`until_s`), which each renewal moves.

    `took_s` is what the board's last answer took; `told` is what it knows. `lapsed`: a renewal came too late once, so
    that the render had to end, or has ended, for that.
    """

    def __init__(self, claim: Claim, board: Board) -> None:
        self._claim, self._board = claim, board
        self._began_at = now_s()
        self._told_at = 0.0
        self._away = self._late = False
        self.told = Live()
        self.until_s = self.took_s = 0.0

    @property
    def left_s(self) -> float:
        return self.until_s - now_s()

    @property
    def lapsed(self) -> bool:
        return self._late or self.left_s <= 0

    def is_due(self, live: Live) -> bool:
        since_s = now_s() - self._told_at
        if since_s >= min(self._claim.lease_s / 4, _BEATS_EVERY_S):
            return True
        return live != self.told and since_s >= _TELLS_EVERY_S

    def renew(self, live: Live) -> Word:
        """Counted from before the board is asked; what cannot be told now is told by the next."""
        self._told_at = asked_at = now_s()
        try:
            word = self._board.tell(self._claim, live)
        except Unavailable as error:
            self._complain(error)
            return Word.GO_ON
        self._away, self.told, self.took_s = False, live, now_s() - asked_at
        self._late = self._late or 0 < self.until_s <= now_s()
        if word is not Word.LOST:
            self.until_s = asked_at + self._claim.lease_s - _margin_s(self._claim.lease_s)
        return word

    def end(self, say: Callable[[], bool], told: str, leaving: Callable[[], bool]) -> None:
        """Says what became of the job also to a board that cannot be reached for a while; one that has given the job
        away takes it not. A worker that is `leaving` waits for the board until the lease is over, no longer."""
        pause_s = _ASKS_AGAIN_S
        while True:
            try:
                if not say():
                    told = "somebody else's by now"
                took_s = now_s() - self._began_at
                log.info("video %d of %s: %s, after %.1f s", self._claim.n, self._claim.session, told, took_s)
                return
            except Unavailable as error:
                self._complain(error)
                if leaving() and self.left_s < 0:
                    return
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _ASKS_AGAIN_AT_LAST_S)

    def _complain(self, error: Unavailable) -> None:
        """One line for each time that the board is away."""
        if not self._away:
            log.warning("video %d of %s: %s", self._claim.n, self._claim.session, redacted(str(error)))
        self._away = True


def _margin_s(lease_s: float) -> float:
    """What the render ends before its lease does."""
    return min(2.0, lease_s / 5)
