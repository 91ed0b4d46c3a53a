"""What all pictures of a batch share, and on what terms they are bought."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from qmv.api import Purchases
from qmv.buying.patience import Patience
from qmv.buying.seller import Seller
from qmv.errors import QmvError

__all__ = ["Batch", "Terms", "now"]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """`at_once` orders are in work; a picture fails `deadline_s` after its turn, or with its `tries`-th bad file."""

    at_once: int
    deadline_s: float
    tries: int = 3


@dataclass(kw_only=True)
class Batch:
    """One seller, the books, and what each picture learns for all others: `stop` is what keeps new orders from being
    sent, `last_success` and `last_file` are when a picture and a file came last, by the clock of `now`."""

    seller: Seller
    purchases: Purchases
    terms: Terms
    patience: Patience
    stop: QmvError | None = None
    last_success: float = 0.0
    last_file: float = 0.0


def now() -> float:
    """The event loop's time in s, which is the clock of the deadlines."""
    return asyncio.get_running_loop().time()
