"""A market for pictures: a service, and a user who comes back until the pictures are there; and what must hold then."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from qmv.api import Account, ImageRequest, Ledger, Outcome, Purchase, Purchases
from qmv.buying.batch import Terms
from qmv.buying.shop import Shop
from qmv.engine.ledger import Order
from qmv.testing import image_request
from tests.buying.service import BAD, Clerk, Service, in_virtual_time

__all__ = ["DEADLINE_S", "PRICE", "SLACK_S", "Market", "market"]

PRICE = Decimal("0.01")
DEADLINE_S = 300.0
SLACK_S = 0.01  # of virtual time


@dataclass
class Market:
    """A service, and the user who runs the same command against it until the pictures are there."""

    folder: Path
    service: Service
    count: int
    cap: Decimal | None = None
    price: Decimal | None = PRICE
    asks: bool = True
    at_once: int = 4
    now: float = 1000.0
    runs: int = 0
    have: set[int] = field(default_factory=set)
    took: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "ledger.sqlite")

    def run(self, cut_s: float | None = None, lose: Sequence[int] = ()) -> dict[int, Outcome] | None:
        """The outcomes of a run for what is missing; None where it was cut off. The pictures of `lose` come, and the
        run is killed before it has kept them."""
        self.runs += 1
        requests = [image_request(index=index, seed=index) for index in range(self.count) if index not in self.have]
        wanted = {r: Purchase(key=f"picture {r.index}", product="trial", price=self.price) for r in requests}
        account = Account(ledger=self.ledger, budget="trial", run=f"run {self.runs}", cap=self.cap)
        outcomes: list[Outcome] = []

        async def buy() -> bool:
            loop, clerk = asyncio.get_running_loop(), Clerk(service=self.service, asks=self.asks)
            purchases = _Clocked(account=account, wanted=wanted, loop=loop)
            shop = Shop(
                seller=clerk,
                purchases=purchases,
                terms=Terms(at_once=self.at_once, deadline_s=DEADLINE_S),
                tell=self.told.append,
            )
            try:
                async for outcome in shop.outcomes(requests):
                    outcomes.append(outcome)
                    self.took.append(loop.time() - purchases.turns.get(outcome.request.index, loop.time()))
                    if outcome.image is not None and outcome.request.index not in lose:
                        purchases.kept(outcome.order)
                        self.have.add(outcome.request.index)
            finally:
                self.closed.append(clerk.closed)
            return True

        ended, self.now = in_virtual_time(buy(), self.now, cut_s)
        if not ended:
            return None
        assert sorted(outcome.request.index for outcome in outcomes) == [request.index for request in requests]
        return {outcome.request.index: outcome for outcome in outcomes}

    # -- what must hold ----------------------------------------------------------------------------------------------

    def check_charged_once(self) -> None:
        """Of a picture's charges all but the last are for files that were bad."""
        for index in range(self.count):
            fates = [fate for _, _, picture, fate in self.service.charges if picture == index]
            assert all(fate in BAD for fate in fates[:-1]), f"picture {index} was paid for twice: {fates}"
        orders = Counter(order for _, order, _, _ in self.service.charges)
        assert max(orders.values(), default=1) == 1

    def check_books(self) -> None:
        """What the service took is spent or reserved, and nothing else is spent."""
        sums = self.ledger.sums()
        taken = (self.service.cost or Decimal(0)) * len(self.service.charges)
        assert sums.spent <= taken <= sums.spent + sums.reserved
        assert self.ledger.sums(budget="trial") == sums


@dataclass(frozen=True, kw_only=True)
class _Clocked(Purchases):
    """Notes when each picture's turn comes, which begins with the question for its earlier orders."""

    loop: asyncio.AbstractEventLoop
    turns: dict[int, float] = field(default_factory=dict)

    def pending(self, request: ImageRequest) -> list[Order]:
        self.turns[request.index] = self.loop.time()
        return super().pending(request)


@contextmanager
def market(fates: dict[int, list[str]], count: int = 0, **settings: object) -> Iterator[Market]:
    cost = settings.pop("cost", PRICE)
    in_vain = settings.pop("asks_in_vain", ())
    with tempfile.TemporaryDirectory() as folder:
        service = Service(fates={index: list(names) for index, names in fates.items()}, cost=cost, asks_in_vain=in_vain)  # type: ignore[arg-type]
        yield Market(Path(folder), service, count or len(fates), **settings)  # type: ignore[arg-type]
