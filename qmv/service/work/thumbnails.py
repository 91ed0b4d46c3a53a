"""Thumbnails on their way to the board: beside the lease, which comes first, and never for long."""

from __future__ import annotations

import heapq
import time
from pathlib import Path

from qmv.service.queue.board import Board, Unavailable
from qmv.service.queue.jobs import Claim
from qmv.service.work.lease import Lease
from qmv.service.work.trail import thumbnail

__all__ = ["Thumbnails"]

_AT_ONCE_S = 0.15  # the most of one look at the render


class Thumbnails:
    """Those that the board does not have yet; it shows what has no gap, so the first shots go first."""

    def __init__(self, claim: Claim, board: Board, lease: Lease) -> None:
        self._claim, self._board, self._lease = claim, board, lease
        self._waiting: list[tuple[int, Path]] = []
        self._took_s = 0.0  # the board's last answer to one

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, index: int, path: Path) -> None:
        heapq.heappush(self._waiting, (index, path))

    def send_some(self) -> None:
        """While the render goes on: none where a slow board has to hear of the lease first."""
        self._send(self._claim.lease_s / 2 + 2 * self._lease.took_s)

    def send_more(self) -> bool:
        """Once the render is over, a slow board may take what the lease leaves; False where nothing could be sent."""
        before = len(self)
        self._send(max(self._took_s, self._lease.took_s) + self._lease.took_s)
        return len(self) < before

    def _send(self, needed_s: float) -> None:
        end = time.monotonic() + _AT_ONCE_S
        while self._waiting and time.monotonic() < end and self._lease.left_s > needed_s:
            index, path = self._waiting[0]
            if (jpeg := thumbnail(path)) is not None:
                asked_at = time.monotonic()
                try:
                    self._board.add_picture(self._claim, index, jpeg)
                except Unavailable:
                    return
                self._took_s = time.monotonic() - asked_at
            heapq.heappop(self._waiting)
