"""The status of sessions, made once for each change and given to whoever asks."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from qmv.service.queue.board import Board
from qmv.service.queue.jobs import CLOSED
from qmv.service.web import documents

__all__ = ["Page", "Pages"]

_MOST = 2000
_MOST_S = 30.0  # a session that is forgotten changes nothing that would be told


@dataclass(frozen=True, kw_only=True)
class Page:
    """A session's status document as it is sent. `closed`: nothing more will come by itself."""

    version: int
    body: bytes
    closed: bool
    made_at: float


class Pages:
    """Asks the queue for a session only where it has changed since it was asked last."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seen: int | None = None
        self._kept: OrderedDict[str, Page] = OrderedDict()

    def page(self, session_id: str) -> Page | None:
        """As the queue has it at this moment; None for an unknown session."""
        self._drop_changed()
        page = self._kept.get(session_id)
        if page is not None and time.monotonic() - page.made_at < _MOST_S:
            return page
        seen = self._seen
        session = self._board.session(session_id)
        if session is None:
            self._kept.pop(session_id, None)
            return None
        page = Page(
            version=session.version,
            body=documents.packed(documents.status(session)),
            closed=session.status in CLOSED,
            made_at=time.monotonic(),
        )
        if self._seen == seen:  # else another request has learnt meanwhile of changes, perhaps of this session
            self._kept[session_id] = page
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return page

    def _drop_changed(self) -> None:
        newest, changed = self._board.changes(self._seen or 0)
        if self._seen is None or newest < self._seen:  # a queue that was emptied counts anew
            self._kept.clear()
        for session_id in changed:
            self._kept.pop(session_id, None)
        self._seen = newest
