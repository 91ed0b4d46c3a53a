"""The queue in one SQLite file, which the web and the workers of one machine share.

Every change is one transaction, on the disk before the answer, so `kill -9` at any moment loses nothing and leaves
nothing half done.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from qmv.service.queue import admission, steps, turns
from qmv.service.queue.jobs import Claim, Job, Order, Session
from qmv.service.queue.kept_jobs import Change, KeptJobs, can_make, packed, read, spoilt
from qmv.service.queue.sqlite_views import VERSION, SqliteViews, jobs_of, tickets_of, version_of
from qmv.service.queue.turns import Ticket

__all__ = ["SqliteBoard"]

T = TypeVar("T")


class SqliteBoard(SqliteViews, KeptJobs):
    """A Board in a file on a disk of this machine. Threads, greenlets and processes may use it at once."""

    # -- for who asks for videos --------------------------------------------------------------------------------------

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
            before = jobs_of(db, session)
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

    def cancel(self, session: str) -> tuple[Session, int] | None:
        count, found = self._called_off(session), self.session(session)
        return None if count is None or found is None else (found, count)

    def retry(self, session: str) -> tuple[Session, int] | None:
        with self._file.writing() as db:
            before = jobs_of(db, session)
            if not before:
                return None
            again = admission.asked_again(session, before, _openly(db), self.limits, self._clock())
            _drop_pictures(db, session, again)
            self._keep(db, session, before, again)
            found = self._found(db, session)
            return (found, len(again)) if found else None

    # -- for workers -------------------------------------------------------------------------------------------------

    def claim(self, worker: str) -> Claim | None:
        self.seen(worker)
        with self._file.writing() as db:
            now = self._clock()
            for session, n, _ in self._late(db, now):
                self._lose(db, session, n)
            tickets = tickets_of(db)
            while ticket := turns.chosen(tickets, self.limits, now):
                if claim := self._taken(db, ticket):
                    return claim
                tickets.remove(ticket)
        return None

    def take_back(self) -> None:
        with self._file.open() as db:
            late = self._late(db, self._clock(), steps.spared_s(self.limits))
        for session, n, text in late:
            if not read(session, n, text) and not spoilt(text):  # another version's: who looks for it need not write
                continue
            with self._file.writing() as db:
                self._lose(db, session, n)
            time.sleep(0)  # where greenlets share this thread, the others come first

    def _taken(self, db: sqlite3.Connection, ticket: Ticket) -> Claim | None:
        """None for what cannot be read, or not by this version."""
        token, n = uuid.uuid4().hex, ticket.n
        before = jobs_of(db, ticket.session)
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

    def _late(self, db: sqlite3.Connection, now: float, spared_s: float = 0.0) -> list[tuple[str, int, str]]:
        """Whose lease has run out, or ends too far ahead."""
        query = "SELECT session, n, job FROM jobs WHERE open AND running AND (due <= ? OR due > ?)"
        return db.execute(query, (now - spared_s, now + steps.longest_lease_s(self.limits))).fetchall()

    def _lose(self, db: sqlite3.Connection, session: str, n: int) -> None:
        """Takes a job away from a worker whose lease has run out, unless it has spoken by now."""
        before = jobs_of(db, session)
        if n not in before:
            _set_aside(db, session, n)
            return
        job = before[n]
        self._keep(db, session, before, {n: steps.lease_over(job, self.limits, self._clock()) if job.running else job})

    def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
        place = (claim.session, claim.n)
        with self._file.writing() as db:
            before = jobs_of(db, claim.session)
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

    # -- how it is kept ----------------------------------------------------------------------------------------------

    def _change(self, session: str, change: Change[T]) -> T | None:
        with self._file.writing() as db:
            before = jobs_of(db, session)
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
        for name in (*totals.elements(), VERSION):
            query = "INSERT INTO totals VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1"
            db.execute(query, (name,))
        closed = not any(job.open for job in {**before, **after}.values())
        query = "UPDATE sessions SET version = ?, changed = ?, closed = ? WHERE id = ?"
        db.execute(query, (version_of(db), self._clock(), closed, session))


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
