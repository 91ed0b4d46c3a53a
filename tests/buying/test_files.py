"""A file that cannot be fetched for a while: whether its picture is bought anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from qmv.api import Account, Ledger, Outcome, Purchase, Purchases
from qmv.buying.batch import Terms
from qmv.buying.seller import Doubt, Sold
from qmv.buying.shop import Shop
from qmv.testing import image_request
from tests.buying.market import market
from tests.buying.service import Clerk, Service, in_virtual_time, picture

COUNT, BEGAN_S = 8, 1000.0


@dataclass(kw_only=True)
class _Away(Clerk):
    """A seller whose files, but not whose service, are away for a while."""

    until: float

    async def fetch(self, sold: Sold) -> bytes:
        if asyncio.get_running_loop().time() < self.until:
            raise Doubt("the picture's file cannot be fetched")
        return await super().fetch(sold)


@pytest.fixture
def books(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def bought(books: Ledger, service: Service, away_s: float, asks: bool = True) -> list[Outcome]:
    """What becomes of pictures whose files can all not be fetched for the first seconds."""
    requests = [image_request(index=index, seed=index) for index in range(COUNT)]
    wanted = {r: Purchase(key=str(r.index), product="trial", price=Decimal("0.01")) for r in requests}
    purchases = Purchases(account=Account(ledger=books, budget="trial", run="trial"), wanted=wanted)

    async def buy() -> list[Outcome]:
        seller = _Away(service=service, asks=asks, until=BEGAN_S + away_s)
        shop = Shop(seller=seller, purchases=purchases, terms=Terms(at_once=4, deadline_s=300), tell=lambda words: None)
        return [outcome async for outcome in shop.outcomes(requests)]

    found, _ = in_virtual_time(buy(), BEGAN_S)
    return list(found)


@pytest.mark.parametrize("asks", [True, False])
def test_nothing_is_bought_anew_while_no_file_comes_for_a_minute(books: Ledger, asks: bool) -> None:
    service = Service(fates={})
    outcomes = bought(books, service, away_s=60, asks=asks)
    assert [outcome.error for outcome in outcomes] == [None] * COUNT
    assert Counter(picture for _, _, picture, _ in service.charges) == Counter(range(COUNT))


def test_a_file_that_never_comes_is_bought_anew_soon_where_others_come(books: Ledger) -> None:
    service = Service(fates={0: ["unreachable"]})
    outcomes = bought(books, service, away_s=0)
    assert [outcome.error for outcome in outcomes] == [None] * COUNT
    [first, second] = [when for when, _, picture, _ in service.charges if picture == 0]
    assert second - first < 30


def test_a_file_in_doubt_is_fetched_again_where_the_seller_cannot_be_asked() -> None:
    """It was paid for, and its address is known: an answer of 500 is no reason to throw it away."""
    with market({0: ["flaky"]}, asks=False) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert len(trade.service.charges) == 1
