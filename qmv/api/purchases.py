"""What an image provider that costs money buys, written down before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from qmv.api.request import ImageRequest
from qmv.engine.ledger import Account, Order

__all__ = ["Purchase", "Purchases"]

_NO_PRICE_FROM = 1_000_000  # US dollars for a picture: who says so, or a negative amount, says nothing


def _keep_quiet(message: str) -> None:
    """For those who buy without a user."""


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What a request asks for in the ledger: its key in the cache, what sort it is, and what that costs about."""

    key: str
    product: str
    price: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """The orders for a batch of requests.

    An order ends as `paid`, `spoiled` or `cancelled`; one that never ends is asked for again by the next run, so leave
    it open wherever it is not certain what became of it. `tell` gives the user a sentence while the pictures are
    waited for; it is called from the thread that looks at the outcomes.
    """

    account: Account
    wanted: Mapping[ImageRequest, Purchase]
    tell: Callable[[str], None] = _keep_quiet

    def pending(self, request: ImageRequest) -> list[Order]:
        """Orders of the same picture, newest first, that may have been paid for and whose picture nobody has."""
        return self.account.ledger.adopt(self.wanted[request].key, budget=self.account.budget, run=self.account.run)

    def had(self, request: ImageRequest) -> list[str]:
        """Orders whose picture was in the cache once; a service may have it still."""
        return self.account.ledger.kept(self.wanted[request].key)

    def begin(self, request: ImageRequest) -> str | None:
        """Reserves the price and gives the id to order under, a UUID; it is on disk before this returns.

        None: ask again in a moment, for the first order of its kind will show what the service takes. Raises
        BudgetError where the price would pass the budget.
        """
        want, account = self.wanted[request], self.account
        return account.ledger.begin(
            want.key, want.product, want.price, budget=account.budget, run=account.run, cap=account.cap
        )

    def paid(self, request: ImageRequest, order: str, cost: Decimal | None) -> Decimal | None:
        """The service took the money; gives what, which is the reserved price where the service does not say."""
        sane = cost is not None and cost.is_finite() and 0 <= cost < _NO_PRICE_FROM
        return self.account.ledger.end(order, "paid", cost if sane else None)

    def spoiled(self, request: ImageRequest, order: str) -> None:
        """The service took the money, and there is no picture to be had for it."""
        self.account.ledger.end(order, "spoiled")

    def cancelled(self, order: str) -> None:
        """The service certainly took nothing."""
        self.account.ledger.end(order, "cancelled")

    def kept(self, order: str) -> None:
        """The picture is in the cache."""
        self.account.ledger.end(order, "kept")
