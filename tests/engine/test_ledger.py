"""The ledger: what was ordered and paid for is known to the billionth."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.engine.ledger import Account, Ledger, Order, Sums, dollars, over_budget
from tests.engine.orders import CENT, SOME, adopted, begun

# -- an order's way --------------------------------------------------------------------------------------------------


def test_a_new_order_reserves_its_price(ledger: Ledger) -> None:
    begun(ledger)
    assert ledger.sums() == Sums(reserved=CENT, open=1)


@pytest.mark.parametrize("state", ["paid", "kept", "spoiled"])
def test_an_order_that_took_money_is_spent(ledger: Ledger, state: str) -> None:
    assert ledger.end(begun(ledger), state, Decimal("0.003")) == Decimal("0.003")
    sums = ledger.sums()
    assert (sums.spent, sums.reserved, sums.orders, sums.open) == (Decimal("0.003"), 0, 1, 0)


def test_a_cancelled_order_costs_nothing(ledger: Ledger) -> None:
    ledger.end(begun(ledger), "cancelled")
    assert ledger.sums() == Sums()


def test_a_cost_that_is_known_stays(ledger: Ledger) -> None:
    order = begun(ledger)
    ledger.end(order, "paid", Decimal("0.003"))
    assert ledger.end(order, "paid", Decimal("0.009")) == Decimal("0.003")
    assert ledger.end(order, "kept") == Decimal("0.003")
    assert ledger.sums().spent == Decimal("0.003")


def test_a_cost_that_comes_later_takes_the_place_of_the_price(ledger: Ledger) -> None:
    order = begun(ledger)
    assert ledger.end(order, "paid") == CENT
    assert ledger.end(order, "kept", Decimal("0.003")) == Decimal("0.003")
    assert ledger.sums().spent == Decimal("0.003")


def test_an_order_without_a_cost_counts_as_its_price(ledger: Ledger) -> None:
    ledger.end(begun(ledger), "paid")
    assert (ledger.sums().spent, ledger.sums().unpriced) == (CENT, 0)


def test_an_order_without_cost_and_price_is_counted_as_unpriced(ledger: Ledger) -> None:
    assert ledger.end(begun(ledger, price=None), "paid") is None
    assert (ledger.sums().spent, ledger.sums().unpriced, ledger.sums().orders) == (0, 1, 1)


def test_an_order_that_is_called_off_after_it_was_paid_for_stays_spent(ledger: Ledger) -> None:
    order = begun(ledger)
    ledger.end(order, "paid", CENT)
    ledger.end(order, "cancelled")
    assert (ledger.sums().spent, ledger.sums().orders) == (CENT, 1)


def test_a_ledger_that_nobody_wrote_is_empty_and_makes_no_file(ledger: Ledger) -> None:
    ledger.close_budget("b")
    assert (ledger.sums(), ledger.sums(budget="b"), ledger.sums(run="r")) == (Sums(), Sums(), Sums())
    assert (adopted(ledger), ledger.usual_cost("trial"), ledger.products()) == ([], None, [])
    assert not ledger.path.exists()


# -- adopting --------------------------------------------------------------------------------------------------------


def test_orders_that_may_be_paid_for_are_adopted_the_newest_first(ledger: Ledger) -> None:
    first, second, other = begun(ledger), begun(ledger), begun(ledger, "another")
    ledger.end(first, "paid", CENT)
    assert adopted(ledger) == [Order(id=second, paid=False), Order(id=first, paid=True)]
    assert [order.id for order in adopted(ledger, "another")] == [other]


@pytest.mark.parametrize("state", ["kept", "spoiled", "cancelled"])
def test_an_order_that_has_ended_is_not_adopted(ledger: Ledger, state: str) -> None:
    ledger.end(begun(ledger), state)
    assert adopted(ledger) == []


def test_adopted_orders_count_for_the_run_and_the_budget_that_adopt_them(ledger: Ledger) -> None:
    ledger.end(begun(ledger), "paid", CENT)
    adopted(ledger, budget="b2", run="r2")
    assert (ledger.sums(run="r"), ledger.sums(budget="b")) == (Sums(), Sums())
    assert ledger.sums(run="r2").spent == ledger.sums(budget="b2").spent == CENT


def test_sums_of_runs_and_budgets_are_their_own(ledger: Ledger) -> None:
    ledger.end(begun(ledger, budget="b1", run="r1"), "kept", CENT)
    ledger.end(begun(ledger, budget="b2", run="r1"), "kept", 2 * CENT)
    ledger.end(begun(ledger, budget="b2", run="r2"), "kept", 4 * CENT)
    assert [ledger.sums(run=run).spent for run in ("r1", "r2")] == [3 * CENT, 4 * CENT]
    assert [ledger.sums(budget=budget).spent for budget in ("b1", "b2")] == [CENT, 6 * CENT]
    assert ledger.sums().spent == 7 * CENT


# -- prices ----------------------------------------------------------------------------------------------------------


def test_usual_cost_is_the_most_of_what_the_service_took_lately(ledger: Ledger) -> None:
    for cost in (9, *[1, 2] * 10):
        ledger.end(begun(ledger), "kept", cost * CENT)
    assert ledger.usual_cost("trial") == 2 * CENT  # the dear one is the 21st from the end
    assert ledger.usual_cost("another") is None


def test_usual_cost_knows_nothing_of_what_we_guessed(ledger: Ledger) -> None:
    """Else the first price that was given would hold for ever, whatever is said later."""
    ledger.end(begun(ledger), "paid")
    ledger.end(begun(ledger), "spoiled")
    assert ledger.usual_cost("trial") is None


@given(st.lists(st.decimals(0, 10, places=9), min_size=1, max_size=20))
@SOME
def test_sums_are_exact_to_a_billionth(costs: list[Decimal]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        for cost in costs:
            ledger.end(begun(ledger, price=cost), "paid")
        assert ledger.sums().spent == sum(costs)


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"), ("1.5", "$1.50"), ("12", "$12.00"), ("100", "$100.00"), ("0.0006", "$0.0006"), ("0.1", "$0.10"),
        ("0.1001", "$0.1001"), ("0.10004", "$0.10"), ("1.99996", "$2.00"), ("0.99999", "$1.00"),
        ("0.00384", "$0.0038"), ("0.0000123", "$0.000012"), ("0.000000001", "$0.000000001"),
    ],
)  # fmt: skip
def test_dollars_have_cents_and_as_many_places_as_they_need(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


def test_over_budget_says_what_is_spent_and_what_is_held() -> None:
    sums = Sums(spent=Decimal("0.98"), reserved=CENT, open=1)
    assert over_budget(sums, Decimal("0.02"), Decimal(1)) == (
        "budget_usd: $0.98 of $1.00 is spent and $0.01 is reserved for 1 in work, and the next picture costs about "
        "$0.02; raise budget_usd to go on, what exists is kept."
    )


def test_an_account_tells_what_its_run_has_cost(ledger: Ledger) -> None:
    begun(ledger, run="r")
    begun(ledger, run="another")
    assert Account(ledger=ledger, budget="b", run="r").sums() == Sums(reserved=CENT, open=1)
