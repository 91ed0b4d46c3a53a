"""The ledger: what was ordered and paid for is known to the billionth, whoever writes and whenever they are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.engine.ledger import Account, Ledger, Order, Sums, dollars, over_budget
from qmv.errors import BudgetError, OutputError

ROOT = Path(__file__).resolve().parents[2]
CENT = Decimal("0.01")
SOME = settings(max_examples=50, deadline=None, derandomize=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


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


# -- budgets ---------------------------------------------------------------------------------------------------------


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


# -- several processes, and processes that are killed ----------------------------------------------------------------

_BEGIN_50 = """
import sys, time
from decimal import Decimal
from pathlib import Path
from qmv.engine.ledger import Ledger
from qmv.errors import BudgetError
ledger, name = Ledger(Path(sys.argv[1])), sys.argv[2]
for number in range(50):
    try:
        order = ledger.begin(f"{name} {number}", "trial", Decimal("0.01"), budget="b", run=name, cap=Decimal("0.60"))
    except BudgetError:
        print("full")
        continue
    if order is None:  # the first order of the product is still out
        time.sleep(0.01)
        continue
    print("begun")
    if number % 3 == 0:
        ledger.end(order, "cancelled")
        print("cancelled")
    elif number % 3 == 1:
        ledger.end(order, "paid", Decimal("0.007"))
    sums = ledger.sums(budget="b")
    assert sums.spent + sums.reserved <= Decimal("0.60"), sums
"""

_DIE = """
import os, sys
from decimal import Decimal
from pathlib import Path
from qmv.engine.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
print(ledger.begin("a picture", "trial", Decimal("0.01"), budget="b", run="r", cap=None), flush=True)
os.kill(os.getpid(), 9)
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def test_four_processes_never_pass_a_budget_together(ledger: Ledger) -> None:
    """They begin with a file that none of them has made yet."""
    running = [started(_BEGIN_50, ledger.path, name) for name in "abcd"]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    begun_all, cancelled = sum(text.count("begun") for text in said), sum(text.count("cancelled") for text in said)
    sums = ledger.sums(budget="b")
    assert sums.orders + sums.open == begun_all - cancelled
    assert sums.spent == sums.orders * Decimal("0.007")
    assert sums.reserved == sums.open * CENT
    assert Decimal("0.59") < sums.spent + sums.reserved <= Decimal("0.60")  # it was used up, to less than a price
    assert any("full" in text for text in said)


def test_an_order_of_a_killed_process_is_found_and_its_price_stays_reserved(ledger: Ledger) -> None:
    process = started(_DIE, ledger.path)
    order = process.communicate(timeout=60)[0].strip()
    assert process.returncode == -signal.SIGKILL
    assert ledger.sums(budget="b").reserved == CENT
    assert adopted(ledger) == [Order(id=order, paid=False)]


def test_a_process_that_is_killed_while_it_writes_leaves_whole_books(ledger: Ledger) -> None:
    """What was never committed is not there, and nobody waits for the lock of the dead."""
    code = _DIE.replace("os.kill", "writing = ledger._writing()\nwriting.__enter__().execute(_TORN)\nos.kill")
    code = code.replace("_TORN", "\"UPDATE orders SET state = 'kept', cost = 5\"")
    process = started(code, ledger.path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert ledger.sums() == Sums(reserved=CENT, open=1)
    begun(ledger)


# -- files that cannot be used ---------------------------------------------------------------------------------------


def check_sentence(error: OutputError, path: Path) -> None:
    text = str(error)
    assert text.startswith(f"ledger ({path}): cannot be used (")
    assert text.endswith("so mend it or move it away, and nothing is bought until then.")
    assert "\n" not in text


@pytest.mark.parametrize("damage", ["garbage", "torn"])
def test_a_damaged_file_is_a_sentence_and_nothing_is_bought(ledger: Ledger, damage: str) -> None:
    for _ in range(50):
        begun(ledger)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(b"no ledger at all" * 100 if damage == "garbage" else whole[: len(whole) // 2 + 100])
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


def test_a_file_that_is_no_ledger_of_ours_is_a_sentence(ledger: Ledger) -> None:
    with sqlite3.connect(ledger.path) as db:
        db.execute("CREATE TABLE orders (what TEXT)")
    db.close()
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


@pytest.mark.parametrize("where", ["a file/ledger.sqlite", "folder"])
def test_a_place_where_no_file_can_be_is_a_sentence(tmp_path: Path, where: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "folder").mkdir()
    ledger = Ledger(tmp_path / where)
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_is_read_only_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir(mode=0o500)
    ledger = Ledger(folder / "ledger.sqlite")
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


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
