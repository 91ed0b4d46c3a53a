"""A SQLite file that is open for many: threads, greenlets and processes read and write it at once."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from qmv.engine.transactions import committed
from qmv.service.queue.board import Unavailable

__all__ = ["WAIT_S", "SqliteFile"]

log = logging.getLogger("qmv")

WAIT_S = 10.0  # for others who are writing
_PAUSES_S = 0.001, 0.025  # between two looks whether they are done, the first and the longest
_LOOK_S = 1.0  # how often it is looked whether the file is still the one that is open
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
    """The queue's file. Raises Unavailable where it cannot be used, or others write in it for longer than `wait_s`.

    Whoever deletes the file, or puts another one there, has another queue within a second, without a new start: a file
    that is gone is made anew, and empty.
    """

    def __init__(self, path: Path, wait_s: float = WAIT_S) -> None:
        self.path, self._wait_s = path, wait_s
        self._fresh()

    def _fresh(self) -> None:
        self._idle: list[sqlite3.Connection] = []
        self._opened: tuple[int, int] | None = None  # the file of the idle ones
        self._looked_at = 0.0
        self._owner = os.getpid()
        self._one_writes = threading.Lock()  # spares the threads of a process SQLite's waiting, which knows no queue

    def close(self) -> None:
        with contextlib.suppress(IndexError):  # others take some, too
            while True:
                self._idle.pop().close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else writes in; it is on the disk at the end of the block."""
        if self._owner != os.getpid():
            self._fresh()
        until, mine = time.monotonic() + self._wait_s, self._one_writes
        if not mine.acquire(timeout=self._wait_s):
            raise self._busy()
        try:
            with self.open() as db:
                _begin(db, until, self._wait_s)
                with committed(db):
                    yield db
        finally:
            mine.release()

    @contextlib.contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else has meanwhile. They are kept for the next, since opening one costs more than
        most of what is asked; a forked process leaves its parent's alone."""
        if self._owner != os.getpid():
            self._fresh()
        try:
            self._look()
            try:
                db = self._idle.pop()
            except IndexError:
                db = _connected(self.path, self._wait_s)
                self._opened = self._opened or _identity(self.path)
            opened = self._opened
            try:
                yield db
            except sqlite3.Error:
                db.close()
                raise
            except BaseException:
                self._keep(db, opened)
                raise
            self._keep(db, opened)
        except (sqlite3.Error, OSError) as error:
            if "locked" in str(error):
                raise self._busy() from error
            raise Unavailable(
                f"queue ({self.path}): cannot be used ({error}); mend it or move it away, and start the service anew."
            ) from error

    def _busy(self) -> Unavailable:
        return Unavailable(f"queue ({self.path}): others wrote for {self._wait_s:g} s; try again.")

    def _look(self) -> None:
        """Lets go of connections to a file that is not there any more: what they wrote would be lost."""
        if time.monotonic() - self._looked_at < _LOOK_S:
            return
        self._looked_at = time.monotonic()
        if self._opened and self._opened != _identity(self.path):
            self._opened = None
            log.warning("queue (%s): the file is another one now, or was deleted; it is opened anew", self.path)
            self.close()

    def _keep(self, db: sqlite3.Connection, opened: tuple[int, int] | None) -> None:
        self._idle.append(db) if opened == self._opened else db.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin(db: sqlite3.Connection, until: float, wait_s: float) -> None:
    """Waits here until nobody else writes: SQLite's own waiting stops all greenlets of the process."""
    pause_s, longest_s = _PAUSES_S
    db.execute("PRAGMA busy_timeout = 0")
    while True:
        try:
            db.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, longest_s)
    db.execute(f"PRAGMA busy_timeout = {round(1000 * wait_s)}")


def _connected(path: Path, wait_s: float) -> sqlite3.Connection:
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = FULL")
        if not _format(db):
            with FileLock(path.with_name(f"{path.name}.lock"), timeout=wait_s):
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
