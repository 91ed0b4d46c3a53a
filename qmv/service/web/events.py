"""Tells listeners how far a session is, each change once, and whatever they do: server-sent events.

One greenlet asks the queue while anybody listens, and what has changed is written once for all who listen to it. A
listener holds only the newest status, so one that reads slowly skips what is old and costs nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gevent
from gevent.event import Event

from qmv.service.queue.board import Board, Unavailable
from qmv.service.web.clients import Shares
from qmv.service.web.pages import Page, Pages
from qmv.service.web.problems import Problem

__all__ = ["Feed", "Listener"]

log = logging.getLogger("qmv.web")
_HEARTBEAT = b"event: heartbeat\ndata: {}\n\n"
_END = b"event: end\ndata: {}\n\n"
_RETRY = b"retry: 3000\n\n"
_AT_A_TIME = 25  # listeners that are told before other requests get their turn
_PAUSE_S = 0.002


class Feed:
    """`most` may listen at once, and one client has at most three quarters of them."""

    def __init__(
        self, board: Board, pages: Pages, *, most: int, poll_s: float = 0.5, heartbeat_s: float = 10.0
    ) -> None:
        self._board, self._pages = board, pages
        self._most, self._poll_s, self._heartbeat_s = most, poll_s, heartbeat_s
        self._shares = Shares(most - most // 4)
        self._listeners: dict[str, set[Listener]] = {}
        self._watcher: gevent.Greenlet | None = None
        self.count = 0

    def listen(self, session_id: str, seen: int, client: str = "") -> Listener | None:
        """A stream for one client that has version `seen` already (-1: none); None for an unknown session.

        Raises Problem where too many listen, in all or of this client.
        """
        if self.count >= self._most or not self._shares.take(client):
            raise Problem(503, "Too many listen to events now; ask for the status instead, or try again later.",
                {"Retry-After": "30"})  # fmt: skip
        listener = Listener(self, session_id, seen, self._heartbeat_s, client)
        self._add(listener)  # before it is looked at, so that no change falls between
        try:
            page = self._pages.page(session_id)
        except BaseException:
            listener.close()
            raise
        if page is None:
            listener.close()
            return None
        if not listener.is_told:  # else what has been told meanwhile is newer than this answer
            listener.tell(page, framed(page))
        return listener

    def end(self) -> None:
        """Ends every stream; clients ask again by themselves."""
        for listener in [one for others in self._listeners.values() for one in others]:
            listener.stop()

    def leave(self, listener: Listener) -> None:
        others = self._listeners.get(listener.session_id)
        if others is None or listener not in others:
            return
        others.remove(listener)
        self.count -= 1
        self._shares.give_back(listener.client)
        if not others:
            del self._listeners[listener.session_id]

    def _add(self, listener: Listener) -> None:
        self._listeners.setdefault(listener.session_id, set()).add(listener)
        self.count += 1
        if self._watcher is None or self._watcher.dead:
            self._watcher = gevent.spawn(self._watch)

    def _watch(self) -> None:
        since: int | None = None
        away = False
        while self._listeners:
            try:
                newest, changed = self._board.changes(since or 0)
                # the first time, and where a queue that was emptied counts anew, anything may have changed
                self._tell([*self._listeners] if since is None or newest < since else changed)
                since, away = newest, False
            except Unavailable as error:
                if not away:
                    log.warning("events: the queue cannot be reached (%s)", error)
                away = True
            except Exception:
                log.exception("events: a change could not be told")
                since = None
            gevent.sleep(self._poll_s)

    def _tell(self, changed: list[str]) -> None:
        told = 0
        for session_id in changed:
            if session_id not in self._listeners:
                continue
            page = self._pages.page(session_id)
            frame = framed(page) if page else b""
            for listener in [*self._listeners.get(session_id, ())]:
                listener.tell(page, frame)
                told += 1
                if told % _AT_A_TIME == 0:
                    gevent.sleep(_PAUSE_S)


class Listener:
    """What one client is sent, piece by piece. It is no generator: one that never began would never be closed."""

    def __init__(self, feed: Feed, session_id: str, seen: int, heartbeat_s: float, client: str) -> None:
        self.session_id, self.client = session_id, client
        self._feed, self._seen, self._heartbeat_s = feed, seen, heartbeat_s
        self._news = Event()
        self._frame: bytes = b""
        self._ends = self._ended = False
        self._first = True
        self.is_told = False

    def tell(self, page: Page | None, frame: bytes) -> None:
        """The newest status; None: the session is gone."""
        self.is_told = True
        if page is None or page.closed:
            self._ends = True
        if page is not None and page.version != self._seen:
            self._seen, self._frame = page.version, frame
            if not page.closed:
                self._ends = False  # it was asked for again
        if self._ends or self._frame:
            self._news.set()

    def stop(self) -> None:
        self._ended = True
        self._news.set()

    def close(self) -> None:
        self._feed.leave(self)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ended:
            raise StopIteration
        start, self._first = (_RETRY if self._first else b""), False
        if start and not self._news.is_set():
            return start  # so that the client knows at once that it is heard
        if not self._news.wait(self._heartbeat_s):
            return _HEARTBEAT
        if self._ended:
            raise StopIteration
        self._news.clear()
        frame, self._frame = self._frame, b""
        if self._ends:
            self._ended = True
            return start + frame + _END
        return start + frame


def framed(page: Page) -> bytes:
    return b"id: %d\nevent: status\ndata: %s\n\n" % (page.version, page.body)
