"""A SQLite file that is open for many: threads, greenlets and processes read and write it at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from qmv.service.queue.board import Unavailable

__all__ = ["SqliteFile"]

_WAIT_S = 10.0  # for another process that is writing
_FORMAT = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, created REAL NOT NULL, changed REAL NOT NULL, closed INTEGER NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX sessions_version ON sessions (version);
CREATE INDEX sessions_created ON sessions (created);
CREATE TABLE jobs (
    session TEXT NOT NULL, n INTEGER NOT NULL, open INTEGER NOT NULL, running INTEGER NOT NULL,
    priority INTEGER NOT NULL, queued_at REAL NOT NULL, due REAL NOT NULL, job TEXT NOT NULL, PRIMARY KEY (session, n)
);
CREATE INDEX jobs_open ON jobs (session, n, priority, queued_at, due, running) WHERE open;
CREATE TABLE pictures (
    session TEXT NOT NULL, n INTEGER NOT NULL, place INTEGER NOT NULL, jpeg BLOB NOT NULL,
    PRIMARY KEY (session, n, place)
);
CREATE TABLE keys (key TEXT PRIMARY KEY, session TEXT NOT NULL, digest TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE workers (name TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE totals (name TEXT PRIMARY KEY, count INTEGER NOT NULL);
PRAGMA user_version = {_FORMAT};
COMMIT;
"""


class SqliteFile:
    """The queue's file. Raises Unavailable where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fresh()

    def _fresh(self) -> None:
        self._idle: list[sqlite3.Connection] = []
        self._owner = os.getpid()
        self._one_writes = threading.Lock()  # spares the threads of a process SQLite's waiting, which knows no queue

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else writes in; it is on the disk at the end of the block."""
        if self._owner != os.getpid():
            self._fresh()
        with self._one_writes, self.open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:  # on a full disk SQLite has rolled back already
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextlib.contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else has meanwhile. They are kept for the next, since opening one costs more than
        most of what is asked; a forked process leaves its parent's alone."""
        if self._owner != os.getpid():
            self._fresh()
        try:
            try:
                db = self._idle.pop()
            except IndexError:
                db = _connected(self.path)
            try:
                yield db
            except sqlite3.Error:
                db.close()
                raise
            except BaseException:
                self._idle.append(db)
                raise
            self._idle.append(db)
        except (sqlite3.Error, OSError) as error:
            if "locked" in str(error):
                raise Unavailable(f"queue ({self.path}): others wrote for {_WAIT_S:.0f} s; try again.") from error
            raise Unavailable(
                f"queue ({self.path}): cannot be used ({error}); mend it or move it away, and start the service anew."
            ) from error


def _connected(path: Path) -> sqlite3.Connection:
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = FULL")
        if not _format(db):
            with FileLock(path.with_name(f"{path.name}.lock"), timeout=_WAIT_S):
                if not _format(db):
                    db.execute("PRAGMA journal_mode = WAL")
                    db.executescript(_SCHEMA)
        if _format(db) != _FORMAT:
            raise sqlite3.DatabaseError(f"its format is {_format(db)}, not {_FORMAT}")
    except BaseException:
        db.close()
        raise
    return db


def _format(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
