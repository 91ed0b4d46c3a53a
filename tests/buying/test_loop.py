"""The way of one picture: troubles that pass, orders of earlier runs, and what stops new ones."""

from __future__ import annotations

import pytest

from qmv.errors import AccessError, BudgetError
from tests.buying.market import PRICE, market
from tests.buying.service import picture


@pytest.mark.parametrize("fate", ["good", "flaky", "charged", "slow", "late", "lost", "failed", "busy", "crowded"])
def test_a_trouble_that_passes_costs_one_picture(fate: str) -> None:
    with market({0: [fate]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert outcomes[0].cost == PRICE
        assert len(trade.service.charges) == 1


def test_a_trouble_that_lasts_is_told_once() -> None:
    with market({0: ["busy"] * 6, 1: ["busy"] * 6}) as trade:
        trade.run()
        [words] = trade.told
        assert words.endswith(": the service failed; trying on")


def test_a_pause_that_the_service_wants_holds_for_all() -> None:
    with market({0: ["crowded"], 1: ["refused"], 2: []}, at_once=2) as trade:
        trade.run()
        times = {index: at for at, _, index, _ in reversed(trade.service.got)}
        assert times[2] - times[0] >= 20


# -- orders of an earlier run ------------------------------------------------------------------------------------------


def test_what_was_paid_for_earlier_comes_though_the_budget_is_used_up() -> None:
    """Picture 1 was charged when the first run was cut off; picture 0, whose turn is before it, has no room."""
    with market({0: [], 1: ["slow"]}, cap=PRICE, at_once=1) as trade:
        trade.have.add(0)
        assert trade.run(cut_s=20) is None
        trade.have.clear()
        outcomes = dict(trade.run() or {})
        assert isinstance(outcomes[0].error, BudgetError)
        assert outcomes[1].image == picture()
        assert len(trade.service.charges) == 1


def test_a_picture_that_came_and_was_not_kept_is_asked_for_and_not_bought() -> None:
    with market({0: []}) as trade:
        trade.run(lose=[0])
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert len(trade.service.charges) == 1


def test_a_picture_that_the_service_sold_and_forgot_is_booked_and_bought_anew() -> None:
    with market({0: []}) as trade:
        trade.run(lose=[0])
        trade.service.jobs.clear()
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert len({order for _, order, _, _ in trade.service.charges}) == 2
        assert trade.ledger.sums().spent == 2 * PRICE


# -- what stops new orders ---------------------------------------------------------------------------------------------


def test_a_budget_stops_new_orders_and_keeps_what_came() -> None:
    with market({index: [] for index in range(5)}, cap=3 * PRICE) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert sum(outcome.image is not None for outcome in outcomes.values()) == 3
        assert all(isinstance(o.error, BudgetError) for o in outcomes.values() if o.image is None)


def test_siblings_that_were_paid_for_are_brought_home_after_access_is_denied() -> None:
    with market({0: ["charged"], 1: ["slow"], 2: ["denied"], 3: ["good"], 4: ["good"]}, at_once=4) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert [index for index, outcome in outcomes.items() if outcome.image] == [3, 0, 1]
        assert isinstance(outcomes[4].error, AccessError)


def test_an_order_that_waits_for_a_pause_is_not_sent_after_access_is_denied() -> None:
    """Picture 3 waits 20 s, because the service wanted a pause; meanwhile it denies all."""
    with market({0: ["crowded"], 1: ["denied_later"], 2: ["refused"], 3: []}, at_once=3) as trade:
        trade.run()
        assert len(trade.service.denied) == 1
        assert sorted(index for _, _, index, _ in trade.service.got) == [0, 1, 2]


def test_an_order_that_never_arrived_is_not_sent_again_after_access_is_denied() -> None:
    with market({0: ["lost"], 1: ["denied"]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert isinstance(outcomes[0].error, AccessError)
        assert len(trade.service.got) == 2
        assert trade.ledger.sums().open == 1
