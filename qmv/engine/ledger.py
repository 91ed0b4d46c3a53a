"""What was ordered from services and what it cost, in one SQLite file that every run and every job of a sweep shares.

An order is written down, with fsync, before it is sent; so after kill -9 it is known which pictures may have been paid
for, and under which id the service has them. A budget's sum is checked in the same transaction that reserves an
order's price, so parallel jobs cannot pass it together. Low layer: stages reach it through `Context.account`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from qmv.engine.ledger_sums import (
    Sums,
    budget_id,
    dollars,
    from_nano,
    nano,
    over_budget,
    sums_of,
    unproven,
    usual_cost,
)  # fmt: skip
from qmv.engine.transactions import committed
from qmv.errors import BudgetError, OutputError

__all__ = ["Account", "Ledger", "Order", "Sums", "dollars", "over_budget"]

_WAIT_S = 60.0  # for another process that is writing
_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,      -- the service knows the order by it
    thing TEXT NOT NULL,      -- the key of what is ordered
    product TEXT NOT NULL,    -- provider, model and size: what has the same price
    state TEXT NOT NULL,      -- open | paid | kept | spoiled | cancelled
    price INTEGER,            -- what was reserved, in billionths of a dollar
    cost INTEGER,             -- what the service says that it took; where it says nothing, the price counts
    budget TEXT NOT NULL,
    run TEXT NOT NULL,
    begun REAL NOT NULL,
    ended REAL
);
CREATE INDEX IF NOT EXISTS orders_thing ON orders (thing, state);
CREATE INDEX IF NOT EXISTS orders_budget ON orders (budget, state);
CREATE INDEX IF NOT EXISTS orders_product ON orders (product, state);
CREATE TABLE IF NOT EXISTS budgets (name TEXT PRIMARY KEY, id TEXT NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order that may have been paid for, whose picture is not in the cache. `paid`: the service said so."""

    id: str
    paid: bool


@dataclass(frozen=True)
class Ledger:
    """The ledger in one file; values of this class are cheap and can cross process borders."""

    path: Path

    def close_budget(self, name: str) -> None:
        """The work that had the budget is done: orders under the same name begin a new sum."""
        if self.path.is_file():
            with self._writing() as db:
                db.execute("DELETE FROM budgets WHERE name = ?", (name,))

    def begin(
        self, thing: str, product: str, price: Decimal | None, *, budget: str, run: str, cap: Decimal | None
    ) -> str | None:
        """Reserves the price and gives the new order's id, on disk when this returns; BudgetError where it is too much.

        With a cap, what the service took lately counts where it is more than the price; and the first order of a
        product goes alone, since a price list may be wrong: None means that it is still out. An order without a price
        has to be forbidden by the caller where there is a cap.
        """
        with self._writing() as db:
            budget = budget_id(db, budget)
            if cap is not None:
                price = max((amount for amount in (price, usual_cost(db, product)) if amount is not None), default=None)
                sums = sums_of(db, "budget", budget)
                if sums.spent + sums.reserved + (price or 0) > cap:
                    raise BudgetError(over_budget(sums, price, cap))
                if unproven(db, product):
                    return None
            order = str(uuid.uuid4())
            db.execute(
                "INSERT INTO orders VALUES (?, ?, ?, 'open', ?, NULL, ?, ?, ?, NULL)",
                (order, thing, product, nano(price), budget, run, time.time()),
            )
        return order

    def adopt(self, thing: str, *, budget: str, run: str) -> list[Order]:
        """The orders of a thing that may have been paid for and were not kept, newest first; they count for this run
        and its budget from now on."""
        if not self.path.is_file():
            return []
        where = "thing = ? AND state IN ('open', 'paid')"
        with self._open() as db:
            if not db.execute(f"SELECT 1 FROM orders WHERE {where}", (thing,)).fetchone():
                return []
        with self._writing() as db:
            query = f"SELECT id, state FROM orders WHERE {where} ORDER BY begun DESC, rowid DESC"
            rows = db.execute(query, (thing,)).fetchall()
            budget = budget_id(db, budget)
            db.execute(f"UPDATE orders SET budget = ?, run = ? WHERE {where}", (budget, run, thing))
        return [Order(id=row[0], paid=row[1] == "paid") for row in rows]

    def kept(self, thing: str) -> list[str]:
        """The orders of a thing whose picture was in the cache once, newest first."""
        if not self.path.is_file():
            return []
        query = "SELECT id FROM orders WHERE thing = ? AND state = 'kept' ORDER BY begun DESC, rowid DESC"
        with self._open() as db:
            return [row[0] for row in db.execute(query, (thing,))]

    def end(self, order: str, state: str, cost: Decimal | None = None) -> Decimal | None:
        """Writes down what became of an order, and gives what was taken for it as far as that is known.

        A cost that is known already stays; where the service never says one, the reserved price counts.
        """
        with self._writing() as db:
            db.execute(
                "UPDATE orders SET state = ?, ended = ?, cost = COALESCE(cost, ?) WHERE id = ?",
                (state, time.time(), nano(cost), order),
            )
            row = db.execute("SELECT COALESCE(cost, price) FROM orders WHERE id = ?", (order,)).fetchone()
        return None if row is None or row[0] is None else from_nano(row[0])

    def usual_cost(self, product: str) -> Decimal | None:
        """The most that the service said that it took for one of the last twenty orders of a product."""
        if not self.path.is_file():
            return None
        with self._open() as db:
            return usual_cost(db, product)

    def sums(self, *, budget: str | None = None, run: str | None = None) -> Sums:
        """What a budget, a run, or everything has cost."""
        if not self.path.is_file():
            return Sums()
        with self._open() as db:
            if run is not None:
                return sums_of(db, "run", run)
            if budget is None:
                return sums_of(db, "''", "")
            row = db.execute("SELECT id FROM budgets WHERE name = ?", (budget,)).fetchone()
            return sums_of(db, "budget", row[0]) if row else Sums()

    def products(self) -> list[Sums]:
        """What each product has cost, the dearest first."""
        if not self.path.is_file():
            return []
        with self._open() as db:
            names = [row[0] for row in db.execute("SELECT DISTINCT product FROM orders")]
            found = [dataclasses.replace(sums_of(db, "product", name), name=name) for name in names]
        return sorted((sums for sums in found if sums.orders or sums.open), key=lambda sums: -sums.spent)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            with committed(db):
                yield db

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One connection a call: threads and forked processes never share one."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = EXTRA")
                if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'budgets'").fetchone():
                    db.executescript(_SCHEMA)
                yield db
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"ledger ({os.fspath(self.path)}): cannot be used ({error}); it says what was paid for, so mend it or "
                "move it away, and nothing is bought until then."
            ) from error


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who pays: the run, the name of its budget, and the cap in US dollars on everything ordered under that."""

    ledger: Ledger
    budget: str
    run: str
    cap: Decimal | None = None

    def sums(self) -> Sums:
        return self.ledger.sums(run=self.run)
