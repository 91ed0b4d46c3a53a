"""What anybody may see of the queue in a SQLite file, without changing it: who reads waits for nobody."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qmv.service.queue import turns
from qmv.service.queue.board import Counts, Limits
from qmv.service.queue.jobs import Job, Session, Video
from qmv.service.queue.kept_jobs import read
from qmv.service.queue.sqlite_file import WAIT_S, SqliteFile
from qmv.service.queue.turns import Ticket

__all__ = ["VERSION", "SqliteViews", "jobs_of", "tickets_of", "version_of"]

VERSION = "version"  # stands among the totals
_MOST = 2**31  # SQLite takes no numbers of any size, and some come from outside
_TICKETS = "SELECT session, n, priority, queued_at, due, running FROM jobs WHERE open"
_JOBS = "SELECT s.id, s.created, s.version, j.n, j.job FROM {} s JOIN jobs j ON j.session = s.id ORDER BY {} j.n"


class SqliteViews:
    """The half of a Board that reads."""

    def __init__(
        self, path: Path, limits: Limits, clock: Callable[[], float] = time.time, *, wait_s: float = WAIT_S
    ) -> None:
        """`wait_s` is how long it waits for others who are writing before it raises Unavailable."""
        self.limits, self._clock, self._file = limits, clock, SqliteFile(path, wait_s)

    def session(self, session: str) -> Session | None:
        with self._file.open() as db:
            return self._found(db, session)

    def sessions(self, most: int) -> list[Session]:
        latest = "(SELECT * FROM sessions ORDER BY created DESC, version DESC LIMIT ?)"
        query = _JOBS.format(latest, "s.created DESC, s.version DESC,")
        with self._file.open() as db:
            return _sessions(db.execute(query, (max(0, min(most, _MOST)),)))

    def changes(self, since: int) -> tuple[int, list[str]]:
        with self._file.open() as db:
            newest = version_of(db)  # before the rest: what changes meanwhile is told twice, and not never
            since = since if 0 <= since <= newest else 0  # the file is another one than it was
            rows = db.execute("SELECT id FROM sessions WHERE version > ? ORDER BY version", (since,))
            return newest, [row[0] for row in rows]

    def picture(self, session: str, n: int, index: int) -> bytes | None:
        if max(n, index) > _MOST:
            return None
        with self._file.open() as db:
            query = "SELECT jpeg FROM pictures WHERE session = ? AND n = ? AND place = ?"
            row = db.execute(query, (session, n, index)).fetchone()
            return bytes(row[0]) if row else None

    def phases(self, sessions: Sequence[str]) -> list[dict[int, dict[str, Any] | None]]:
        return [{1: None, 2: None} for _ in sessions]  # other systems write into Redis

    def counts(self) -> Counts:
        with self._file.open() as db:
            now = self._clock()
            query = "SELECT COUNT(*) FROM workers WHERE at > ? AND at <= ?"
            workers = db.execute(query, (now - self.limits.lease_s, now + self.limits.lease_s)).fetchone()[0]
            totals = {name: count for name, count in db.execute("SELECT * FROM totals") if name != VERSION}
            return replace(turns.counts(tickets_of(db), now), workers=workers, totals=totals)

    def due(self) -> int:
        with self._file.open() as db:
            return turns.ready(tickets_of(db), self.limits, self._clock())

    def warning(self) -> str:
        return ""

    def close(self) -> None:
        self._file.close()

    def _found(self, db: sqlite3.Connection, session: str) -> Session | None:
        found = _sessions(db.execute(_JOBS.format("(SELECT * FROM sessions WHERE id = ?)", ""), (session,)))
        return found[0] if found else None


def version_of(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT count FROM totals WHERE name = ?", (VERSION,)).fetchone()
    return int(row[0]) if row else 0


def tickets_of(db: sqlite3.Connection) -> list[Ticket]:
    return [Ticket(*row) for row in db.execute(_TICKETS)]


def jobs_of(db: sqlite3.Connection, session: str) -> dict[int, Job]:
    """A session's jobs, without those that cannot be read."""
    rows = db.execute("SELECT n, job FROM jobs WHERE session = ? ORDER BY n", (session,))
    found = {n: read(session, n, text) for n, text in rows}
    return {n: job for n, job in found.items() if job}


def _sessions(rows: Iterable[tuple[str, float, int, int, str]]) -> list[Session]:
    found: dict[str, tuple[float, int, list[Video]]] = {}
    for session, created, version, n, text in rows:
        videos = found.setdefault(session, (created, version, []))[2]
        if job := read(session, n, text):
            videos.append(job.video)
    return [
        Session(id=session, created_at=created, version=version, videos=tuple(videos))
        for session, (created, version, videos) in found.items()
        if videos
    ]
