"""The queue in one SQLite file, which the web and the workers of one machine share.

Every change is one transaction, on the disk before the answer, so `kill -9` at any moment loses nothing and leaves
nothing half done.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from qmv.service.queue import admission, steps, turns
from qmv.service.queue.board import Counts, Limits
from qmv.service.queue.jobs import Claim, Job, Order, Session, Video
from qmv.service.queue.kept_jobs import Change, KeptJobs, can_make, packed, read, spoilt
from qmv.service.queue.sqlite_file import WAIT_S, SqliteFile
from qmv.service.queue.turns import Ticket

__all__ = ["SqliteBoard"]

T = TypeVar("T")
_MOST = 2**31  # SQLite takes no numbers of any size, and some come from outside
_VERSION = "version"  # stands among the totals
_TICKETS = "SELECT session, n, priority, queued_at, due, running FROM jobs WHERE open"
_JOBS = "SELECT s.id, s.created, s.version, j.n, j.job FROM {} s JOIN jobs j ON j.session = s.id ORDER BY {} j.n"


class SqliteBoard(KeptJobs):
    """A Board in a file on a disk of this machine. Threads, greenlets and processes may use it at once."""

    def __init__(
        self, path: Path, limits: Limits, clock: Callable[[], float] = time.time, *, wait_s: float = WAIT_S
    ) -> None:
        """`wait_s` is how long it waits for others who are writing before it raises Unavailable."""
        self.limits, self._clock, self._file = limits, clock, SqliteFile(path, wait_s)

    # -- for the web -------------------------------------------------------------------------------------------------

    def submit(
        self, session: str, orders: Sequence[Order], *, digest: str, key: str = "", priority: int = 5
    ) -> tuple[Session, bool]:
        with self._file.writing() as db:
            now = self._clock()
            known = db.execute(
                "SELECT session, digest FROM keys WHERE key = ? AND at > ?", (key, now - admission.KEYS_S)
            ).fetchone()
            there = self._found(db, session)
            digests = db.execute("SELECT digest FROM sessions WHERE id = ?", (session,)).fetchone()
            before = _jobs(db, session)
            standing = admission.stands(session, digest, (there, digests[0]) if there else None, known, before)
            if standing is None:
                jobs = admission.queued(orders, before, priority, now)
                admission.room(_openly(db), sum(job.open for job in jobs.values()), self.limits)
                _begin(db, session, digest, now)
                _drop_pictures(db, session, {*before} - {n for n, job in jobs.items() if not job.open})
                self._keep(db, session, before, jobs)
            if key and not known:
                db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", (key, session, digest, now))
            found = standing or self._found(db, session)
            assert found is not None
            return found, standing is None

    def cancel(self, session: str) -> Session | None:
        return self.session(session) if self._called_off(session) else None

    def retry(self, session: str) -> tuple[Session, int] | None:
        with self._file.writing() as db:
            before = _jobs(db, session)
            if not before:
                return None
            again = admission.asked_again(session, before, _openly(db), self.limits, self._clock())
            _drop_pictures(db, session, again)
            self._keep(db, session, before, again)
            found = self._found(db, session)
            return (found, len(again)) if found else None

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
            newest = _version(db)  # before the rest: what changes meanwhile is told twice, and not never
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

    # -- for workers -------------------------------------------------------------------------------------------------

    def claim(self, worker: str) -> Claim | None:
        self.seen(worker)
        with self._file.writing() as db:
            now = self._clock()
            query = "SELECT session, n FROM jobs WHERE open AND running AND (due <= ? OR due > ?)"
            for session, n in db.execute(query, (now, now + steps.longest_lease_s(self.limits))).fetchall():
                self._lose(db, session, n)
            tickets = _tickets(db)
            while ticket := turns.chosen(tickets, self.limits, now):
                if claim := self._taken(db, ticket):
                    return claim
                tickets.remove(ticket)
        return None

    def take_back(self) -> None:
        query = "SELECT session, n FROM jobs WHERE open AND running AND due <= ?"
        before = (self._clock() - steps.spared_s(self.limits),)
        with self._file.open() as db:
            if not db.execute(query, before).fetchone():
                return
        with self._file.writing() as db:
            for session, n in db.execute(query, before).fetchall():
                self._lose(db, session, n)

    def _taken(self, db: sqlite3.Connection, ticket: Ticket) -> Claim | None:
        """None for what cannot be read, or not by this version."""
        token, n = uuid.uuid4().hex, ticket.n
        before = _jobs(db, ticket.session)
        if n not in before:
            _set_aside(db, ticket.session, n)
            return None
        if not can_make(ticket.session, before[n]):
            return None
        job = steps.claimed(before[n], token, self.limits, self._clock())
        self._keep(db, ticket.session, before, {n: job})
        return Claim(
            session=ticket.session, n=n, token=token, order=job.order, attempt=job.video.attempt,
            lease_s=self.limits.lease_s,
        )  # fmt: skip

    def _lose(self, db: sqlite3.Connection, session: str, n: int) -> None:
        before = _jobs(db, session)
        if n in before:
            self._keep(db, session, before, {n: steps.lease_over(before[n], self.limits, self._clock())})
        else:
            _set_aside(db, session, n)

    def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
        place = (claim.session, claim.n)
        with self._file.writing() as db:
            before = _jobs(db, claim.session)
            job = before.get(claim.n)
            if job is None or job.token != claim.token or not job.running:
                return
            db.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", (*place, index, jpeg))
            query = "SELECT place FROM pictures WHERE session = ? AND n = ?"
            video = replace(job.video, pictures=steps.unbroken(row[0] for row in db.execute(query, place)))
            self._keep(db, claim.session, before, {claim.n: replace(job, video=video)})

    def seen(self, worker: str) -> None:
        now = self._clock()
        with self._file.open() as db:
            query = "SELECT 1 FROM workers WHERE name = ? AND at BETWEEN ? AND ?"
            if db.execute(query, (worker, now - self.limits.lease_s / 4, now)).fetchone():
                return
        with self._file.writing() as db:
            db.execute("INSERT OR REPLACE INTO workers VALUES (?, ?)", (worker, now))

    # -- for who looks after it --------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        with self._file.open() as db:
            now = self._clock()
            query = "SELECT COUNT(*) FROM workers WHERE at > ? AND at <= ?"
            workers = db.execute(query, (now - self.limits.lease_s, now + self.limits.lease_s)).fetchone()[0]
            totals = {name: count for name, count in db.execute("SELECT * FROM totals") if name != _VERSION}
            return replace(turns.counts(_tickets(db), now), workers=workers, totals=totals)

    def due(self) -> int:
        with self._file.open() as db:
            return turns.ready(_tickets(db), self.limits, self._clock())

    def forget(self) -> list[str]:
        with self._file.writing() as db:
            now = self._clock()
            query = "SELECT id FROM sessions WHERE closed AND changed <= ?"
            gone = [row[0] for row in db.execute(query, (now - self.limits.keep_s,))]
            for session in gone:
                db.execute("DELETE FROM sessions WHERE id = ?", (session,))
                for table in ("jobs", "pictures"):
                    db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
            db.execute("DELETE FROM keys WHERE at <= ?", (now - admission.KEYS_S,))
            db.execute("DELETE FROM workers WHERE at <= ?", (now - admission.KEYS_S,))
            return gone

    def warning(self) -> str:
        return ""

    def close(self) -> None:
        self._file.close()

    # -- how it is kept ----------------------------------------------------------------------------------------------

    def _found(self, db: sqlite3.Connection, session: str) -> Session | None:
        found = _sessions(db.execute(_JOBS.format("(SELECT * FROM sessions WHERE id = ?)", ""), (session,)))
        return found[0] if found else None

    def _change(self, session: str, change: Change[T]) -> T | None:
        with self._file.writing() as db:
            before = _jobs(db, session)
            if not before:
                return None
            after, answer = change(before, self._clock())
            self._keep(db, session, before, after)
            return answer

    def _keep(self, db: sqlite3.Connection, session: str, before: Mapping[int, Job], after: Mapping[int, Job]) -> None:
        """Writes what has changed; what nobody can see raises no version."""
        totals: Counter[str] = Counter()
        for n, job in after.items():
            totals.update(steps.counted(before.get(n), job))
            row = (session, n, job.open, job.running, job.priority, job.video.queued_at, job.due, packed(job))
            db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if all(n in before and before[n].video == job.video for n, job in after.items()):
            return
        for name in (*totals.elements(), _VERSION):
            query = "INSERT INTO totals VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1"
            db.execute(query, (name,))
        closed = not any(job.open for job in {**before, **after}.values())
        query = "UPDATE sessions SET version = ?, changed = ?, closed = ? WHERE id = ?"
        db.execute(query, (_version(db), self._clock(), closed, session))


def _begin(db: sqlite3.Connection, session: str, digest: str, now: float) -> None:
    """An open session without jobs, whatever was there before."""
    db.execute("DELETE FROM jobs WHERE session = ?", (session,))
    db.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, 0, 0)", (session, digest, now, now))


def _drop_pictures(db: sqlite3.Connection, session: str, numbers: Iterable[int]) -> None:
    db.executemany("DELETE FROM pictures WHERE session = ? AND n = ?", [(session, n) for n in numbers])


def _openly(db: sqlite3.Connection) -> int:
    """How many jobs are open, of all sessions."""
    return int(db.execute("SELECT COUNT(*) FROM jobs WHERE open").fetchone()[0])


def _set_aside(db: sqlite3.Connection, session: str, n: int) -> None:
    """A job that nobody can read is in nobody's way; one of another version waits for a worker of that one."""
    found = db.execute("SELECT job FROM jobs WHERE session = ? AND n = ?", (session, n)).fetchone()
    if found and spoilt(found[0]):
        db.execute("UPDATE jobs SET open = 0 WHERE session = ? AND n = ?", (session, n))


def _version(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT count FROM totals WHERE name = ?", (_VERSION,)).fetchone()
    return int(row[0]) if row else 0


def _tickets(db: sqlite3.Connection) -> list[Ticket]:
    return [Ticket(*row) for row in db.execute(_TICKETS)]


def _jobs(db: sqlite3.Connection, session: str) -> dict[int, Job]:
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
