"""Orders in a ledger, with the words that most tests leave alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import settings

from qmv.engine.ledger import Ledger, Order

CENT = Decimal("0.01")
SOME = settings(max_examples=50, deadline=None, derandomize=True)


def begun(
    ledger: Ledger,
    thing: str = "a picture",
    price: Decimal | None = CENT,
    *,
    product: str = "trial",
    budget: str = "b",
    run: str = "r",
    cap: Decimal | None = None,
) -> Any:
    return ledger.begin(thing, product, price, budget=budget, run=run, cap=cap)


def adopted(ledger: Ledger, thing: str = "a picture", *, budget: str = "b", run: str = "r2") -> list[Order]:
    return ledger.adopt(thing, budget=budget, run=run)
