"""Budgets: an order that they have no room for is not begun, whatever happens in whatever order."""

from __future__ import annotations

import contextlib
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.engine.ledger import Ledger, Sums
from qmv.errors import BudgetError
from tests.engine.orders import CENT, SOME, adopted, begun


def test_an_order_that_the_budget_has_no_room_for_is_not_begun(ledger: Ledger) -> None:
    ledger.end(begun(ledger, cap=2 * CENT), "kept", CENT)
    begun(ledger, cap=2 * CENT)
    with pytest.raises(BudgetError, match=r"\$0\.01 of \$0\.02 is spent and \$0\.01 is reserved for 1 in work, and"):
        begun(ledger, cap=2 * CENT)
    assert ledger.sums(budget="b").open == 1


def test_the_first_order_of_a_product_goes_alone_where_there_is_a_cap(ledger: Ledger) -> None:
    first = begun(ledger, cap=9 * CENT)
    assert begun(ledger, "another", cap=9 * CENT) is None
    assert begun(ledger, "another", product="known by itself", cap=9 * CENT)
    ledger.end(first, "kept", CENT)
    assert begun(ledger, "another", cap=9 * CENT)


def test_what_the_service_took_counts_where_it_is_more_than_the_price(ledger: Ledger) -> None:
    ledger.end(begun(ledger, cap=9 * CENT), "kept", 4 * CENT)
    begun(ledger, cap=9 * CENT)
    with pytest.raises(BudgetError, match=r"\$0\.04 of \$0\.09 is spent and \$0\.04 is reserved for 1 in work"):
        begun(ledger, cap=9 * CENT)


def test_orders_whose_picture_was_kept_are_known(ledger: Ledger) -> None:
    first, second = begun(ledger), begun(ledger)
    for order in (first, second):
        ledger.end(order, "kept", CENT)
    assert ledger.kept("a picture") == [second, first]
    assert ledger.kept("another") == []


def test_a_cancelled_order_gives_its_room_back(ledger: Ledger) -> None:
    ledger.end(begun(ledger, cap=CENT), "cancelled")
    begun(ledger, cap=CENT)
    assert ledger.sums(budget="b").reserved == CENT


def test_a_budget_of_nothing_has_room_for_what_is_free(ledger: Ledger) -> None:
    begun(ledger, price=Decimal(0), cap=Decimal(0))
    with pytest.raises(BudgetError):
        begun(ledger, price=Decimal("0.000000001"), cap=Decimal(0))


def test_a_closed_budget_begins_anew_and_the_money_stays_in_the_books(ledger: Ledger) -> None:
    ledger.end(begun(ledger, cap=CENT), "kept", CENT)
    ledger.close_budget("b")
    begun(ledger, cap=CENT)
    assert ledger.sums(budget="b") == Sums(reserved=CENT, open=1)
    assert ledger.sums().spent == CENT


STEP = st.tuples(
    st.sampled_from(["begin", "begin", "paid", "spoiled", "cancelled", "kept", "adopt"]),
    st.integers(0, 5),  # which picture or order
    st.integers(0, 2),  # which budget
    st.none() | st.integers(0, 10**7),  # the cost in billionths of a dollar, at most the price
)
Steps = list[tuple[str, int, int, int | None]]


def walked(ledger: Ledger, steps: Steps, cap: Decimal | None, *, moves: bool) -> Decimal:
    """Does the steps that an order's state allows, and gives what the service has taken by books of our own. With
    `moves` an order may be adopted by another budget."""
    going: list[str] = []
    said: dict[str, Decimal] = {}
    taken: set[str] = set()
    for action, pick, budget, nano in steps:
        home, cost = f"b{budget}", None if nano is None else Decimal(nano) / 10**9
        thing = f"picture {pick} {'' if moves else home}"
        if action == "begin":
            with contextlib.suppress(BudgetError):
                going.append(begun(ledger, thing, budget=home, cap=cap))
        elif action == "adopt":
            adopted(ledger, thing, budget=home)
        elif going:
            order = going[pick % len(going)]
            if action == "cancelled" and order in taken:
                continue
            ledger.end(order, action, None if action == "cancelled" else cost)
            if action != "cancelled":
                taken.add(order)
                if cost is not None:
                    said.setdefault(order, cost)
            if action != "paid":
                going.remove(order)
        check_caps(ledger, cap, moves=moves)
    return sum((said.get(order, CENT) for order in taken), Decimal(0))


def check_caps(ledger: Ledger, cap: Decimal | None, *, moves: bool) -> None:
    sums = [ledger.sums(budget=f"b{budget}") for budget in range(3)]
    total = ledger.sums()
    assert sum(one.spent for one in sums) == total.spent
    assert sum(one.reserved for one in sums) == total.reserved
    assert cap is None or moves or all(one.spent + one.reserved <= cap for one in sums)


@given(steps=st.lists(STEP, max_size=30), cap=st.integers(0, 5))
@SOME
def test_a_budget_holds_whatever_happens_in_whatever_order(steps: Steps, cap: int) -> None:
    """As long as nothing costs more than its price."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        taken = walked(ledger, steps, cap * CENT, moves=False)
        assert ledger.sums().spent == taken


@given(steps=st.lists(STEP, max_size=30))
@SOME
def test_no_money_is_lost_or_made_when_orders_change_hands(steps: Steps) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        taken = walked(ledger, steps, None, moves=True)
        assert ledger.sums().spent == taken
        assert sum(sums.spent for sums in ledger.products()) == taken
