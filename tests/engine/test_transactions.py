"""A transaction is kept whole or not at all, also where SQLite has given it up by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from qmv.engine.transactions import committed


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE pages (page INTEGER PRIMARY KEY, text BLOB)")
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.close()


def change(db: sqlite3.Connection, *statements: str, then: type[BaseException] | None = None) -> None:
    with committed(db):
        for statement in statements:
            db.execute(statement)
        if then:
            raise then


def pages(db: sqlite3.Connection) -> int:
    assert not db.in_transaction
    return int(db.execute("SELECT COUNT(*) FROM pages").fetchone()[0])


def test_a_block_that_ends_is_kept(db: sqlite3.Connection) -> None:
    change(db, "INSERT INTO pages VALUES (1, 'a')")
    assert pages(db) == 1


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_nothing(db: sqlite3.Connection, kind: type[BaseException]) -> None:
    with pytest.raises(kind):
        change(db, "INSERT INTO pages VALUES (1, 'a')", then=kind)
    assert pages(db) == 0


def test_what_sqlite_has_rolled_back_itself_raises_its_own_error(db: sqlite3.Connection) -> None:
    """As on a full disk: there is no transaction left that could be taken back."""
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        change(db, "INSERT INTO pages VALUES (1, 'a')", "INSERT OR ROLLBACK INTO pages VALUES (1, 'b')")
    assert pages(db) == 0
