"""How an order ends in the books: bad files, refusals, costs, and sellers that cannot be asked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qmv.api import ImageRequest
from qmv.buying.seller import Busy, Refused, Sold
from qmv.errors import ServiceError
from tests.buying.market import PRICE, market
from tests.buying.service import Clerk, picture


@pytest.mark.parametrize("fate", ["corrupt", "blank", "wrong_size", "gone", "unreachable"])
def test_a_bad_file_is_bought_anew_and_booked_twice(fate: str) -> None:
    with market({0: [fate]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert trade.ledger.sums().spent == 2 * PRICE


def test_a_picture_that_is_bad_three_times_is_given_up() -> None:
    with market({0: ["corrupt", "blank", "gone", "good"]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert "is not there, 3 times, and each was paid for" in str(outcomes[0].error)
        assert trade.ledger.sums().spent == 3 * PRICE


def test_an_unwanted_picture_is_not_bought_anew() -> None:
    with market({0: ["unwanted"]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert str(outcomes[0].error) == "image (trial): picture 1: it is unsafe (it was paid for)."
        assert len(trade.service.charges) == 1


def test_a_refused_picture_costs_nothing_and_loses_no_other() -> None:
    with market({0: ["refused"], 1: []}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert isinstance(outcomes[0].error, ServiceError)
        assert outcomes[1].image
        assert trade.ledger.sums().spent == PRICE


@pytest.mark.parametrize("error", [Busy("the service failed"), Refused("the service will not draw it")], ids=repr)
def test_an_order_that_was_sold_is_never_booked_as_called_off(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file was bad, and asked once more the service speaks as if it had taken nothing."""

    async def find(self: Clerk, request: ImageRequest, order: str) -> Sold | None:
        raise error

    monkeypatch.setattr(Clerk, "find", find)
    with market({0: ["corrupt"]}, cost=None) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        sums = trade.ledger.sums()
        assert (sums.spent, sums.orders, sums.spoiled) == (2 * PRICE, 2, 1)


def test_a_cost_that_the_service_does_not_say_counts_as_the_price() -> None:
    with market({0: [], 1: ["corrupt"]}, cost=None) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].cost == PRICE
        assert trade.ledger.sums().spent == 3 * PRICE
        assert trade.ledger.usual_cost("trial") is None


@pytest.mark.parametrize("cost", ["NaN", "-1", "Infinity", "1E+30"])
def test_a_cost_that_is_no_amount_counts_as_the_price(cost: str) -> None:
    with market({0: []}, cost=Decimal(cost)) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].cost == PRICE
        assert trade.ledger.sums().spent == PRICE


# -- sellers that cannot be asked --------------------------------------------------------------------------------------


def test_a_dear_order_in_doubt_counts_as_spent_and_is_the_users_call() -> None:
    with market({0: ["charged"]}, asks=False) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert "may have been paid for, and the service cannot tell" in str(outcomes[0].error)
        assert trade.ledger.sums().spent == PRICE


def test_a_free_order_in_doubt_is_sent_again() -> None:
    with market({0: ["lost"]}, asks=False, price=Decimal(0), cost=None) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert len(trade.service.got) == 2


def test_an_order_of_an_earlier_run_is_written_off_where_the_seller_cannot_be_asked() -> None:
    with market({0: ["slow"]}, asks=False) as trade:
        assert trade.run(cut_s=0.05) is None
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert trade.ledger.sums().spent == 2 * PRICE
