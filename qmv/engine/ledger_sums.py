"""What the orders of the ledger add up to, in exact dollars, and how such amounts are written.

The queries run in a transaction of `qmv.engine.ledger`, which hands them its connection. Low layer, like that.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Sums", "budget_id", "dollars", "from_nano", "nano", "over_budget", "sums_of", "unproven", "usual_cost"]

_PROOF_S = 120.0  # for the first order of a product to end
_NANO = 1_000_000_000  # money is kept as whole billionths of a dollar, so that sums are exact
_PLACES = ((Decimal("0.001"), 4), (Decimal("0.000001"), 6))  # how many are shown, from an amount on
_TAKEN = "(cost IS NOT NULL OR state IN ('paid', 'kept', 'spoiled'))"  # the service took the money


@dataclass(frozen=True, kw_only=True)
class Sums:
    """US dollars: what services took, and what is reserved for orders whose end is not known. Of the `orders` that were
    paid for, `unpriced` ones have a cost that nobody said, and `spoiled` ones brought no picture."""

    name: str = ""
    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    orders: int = 0
    open: int = 0
    unpriced: int = 0
    spoiled: int = 0


def dollars(amount: Decimal) -> str:
    """'$1.50', '$0.0006': cents, and more places where cents would hide the amount."""
    places = next((places for least, places in _PLACES if amount >= least), 9)
    whole, _, part = f"{amount:.{places}f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def over_budget(sums: Sums, price: Decimal | None, cap: Decimal) -> str:
    """The sentence for an order that the budget has no room for."""
    held = f" and {dollars(sums.reserved)} is reserved for {sums.open} in work" if sums.open else ""
    return (
        f"budget_usd: {dollars(sums.spent)} of {dollars(cap)} is spent{held}, and the next picture costs about "
        f"{dollars(price or Decimal(0))}; raise budget_usd to go on, what exists is kept."
    )


def sums_of(db: sqlite3.Connection, column: str, value: str) -> Sums:
    row = db.execute(
        f"SELECT SUM(COALESCE(cost, price)) FILTER (WHERE {_TAKEN}), SUM(price) FILTER (WHERE state = 'open'), "
        f"SUM({_TAKEN}), SUM(state = 'open'), SUM({_TAKEN} AND COALESCE(cost, price) IS NULL), SUM(state = 'spoiled') "
        f"FROM orders WHERE {column} = ?",
        (value,),
    ).fetchone()
    spent, reserved, orders, opened, unpriced, spoiled = (number or 0 for number in row)
    return Sums(
        spent=from_nano(spent), reserved=from_nano(reserved), orders=orders, open=opened, unpriced=unpriced,
        spoiled=spoiled,
    )  # fmt: skip


def usual_cost(db: sqlite3.Connection, product: str) -> Decimal | None:
    query = "SELECT cost FROM orders WHERE product = ? AND cost IS NOT NULL ORDER BY ended DESC LIMIT 20"
    costs = [row[0] for row in db.execute(query, (product,))]
    return from_nano(max(costs)) if costs else None


def unproven(db: sqlite3.Connection, product: str) -> bool:
    """Whether the first order of a product is on its way, so that it will soon be known what the service takes."""
    query = f"SELECT SUM({_TAKEN}), SUM(state = 'open' AND begun > ?) FROM orders WHERE product = ?"
    taken, out = db.execute(query, (time.time() - _PROOF_S, product)).fetchone()
    return bool(out) and not taken


def budget_id(db: sqlite3.Connection, name: str) -> str:
    """Under which the orders of a named budget are added up, until the budget is closed."""
    db.execute("INSERT OR IGNORE INTO budgets VALUES (?, ?)", (name, uuid.uuid4().hex))
    return str(db.execute("SELECT id FROM budgets WHERE name = ?", (name,)).fetchone()[0])


def nano(amount: Decimal | None) -> int | None:
    return None if amount is None else int((amount * _NANO).to_integral_value())


def from_nano(nano: int) -> Decimal:
    return (Decimal(nano) / _NANO).normalize() + 0
