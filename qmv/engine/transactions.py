"""What becomes of a transaction of SQLite, for every file in which half a change would be worse than none.

How it is begun, and how others are waited for, is its user's. Low layer: the ledger needs it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

__all__ = ["committed"]


@contextlib.contextmanager
def committed(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A block within a transaction that has begun: it is kept at the block's end, and taken back where that raises."""
    try:
        yield db
    except BaseException:
        if db.in_transaction:  # on a full disk SQLite has rolled back already
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
