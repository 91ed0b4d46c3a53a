"""The comparison of a service's books with QMV's ledger, on books that are wrong in known ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.pictures_books import Books, compared
from benchmarks.pictures_commands import leaks
from qmv.engine.ledger import Ledger
from tests.fakes.runware.ledger import Ledger as ServiceBooks
from tests.fakes.runware.script import Script

COST = Decimal("0.0019437")
# faults of the first, second ... order of a picture
SCRIPT = Script(
    by_prompt={"blank": ["blank", ""], "lost": ["silent_lost", ""], "busy": ["rate_limit", ""], "late": ["silent", ""]}
)


@dataclass
class _Shop:
    """Writes orders into both books, as far as it is told to."""

    service: ServiceBooks
    ledger: Ledger
    folder: Path

    def order(self, prompt: str, *, again: str = "", charged: bool = True, state: str = "kept") -> str:
        """One message to the service; `again` sends an order under the id that it has."""
        order = again or self.ledger.begin(prompt, "trial", COST, budget="trial", run="trial", cap=None)
        about = {"taskType": "imageInference", "taskUUID": order, "positivePrompt": prompt}
        self.service.receive(about, via="ws", socket=1)
        if charged:
            size = {"width_px": 512, "height_px": 512, "steps": 4}
            self.service.charge(task_uuid=order, prompt=prompt, seed=1, model="trial", cost=COST, result=0, **size)
        if not again and state != "open":
            self.ledger.end(order, state, COST if state != "cancelled" else None)
        return order

    def books(self) -> Books:
        return compared(self.folder, self.ledger.path, SCRIPT)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[_Shop]:
    books = ServiceBooks(tmp_path)
    yield _Shop(books, Ledger(tmp_path / "ledger.sqlite"), tmp_path)
    books.close()


def test_books_that_agree_have_no_faults(shop: _Shop) -> None:
    shop.order("a pier")
    shop.order("a train")
    found = shop.books()
    assert (found.faults, found.charged, found.pictures, found.spent) == ([], 2, 2, 2 * COST)


def test_a_picture_that_was_bought_again_for_its_bad_file_was_not_paid_for_twice(shop: _Shop) -> None:
    shop.order("blank", state="spoiled")
    shop.order("blank")
    found = shop.books()
    assert (found.faults, found.again, found.twice) == ([], 1, ())


def test_a_picture_that_was_bought_again_though_its_file_was_good_was_paid_for_twice(shop: _Shop) -> None:
    shop.order("late", state="spoiled")  # nobody told that it was done, and it could have been asked for
    shop.order("late")
    found = shop.books()
    assert (found.again, found.twice) == (0, ("late (seed 1)",))
    assert found.faults == ["1 pictures were paid for twice"]


def test_an_order_that_the_service_ran_again_was_paid_for_twice(shop: _Shop) -> None:
    order = shop.order("a pier")
    shop.order("a pier", again=order)
    rerun = compared(shop.folder, shop.ledger.path, Script(duplicates="rerun"))
    assert (len(rerun.twice), rerun.differ, rerun.spent - rerun.booked) == (1, (order,), COST)


@pytest.mark.parametrize("prompt", ["lost", "busy"])
def test_an_order_that_was_not_taken_uses_up_its_fault(shop: _Shop, prompt: str) -> None:
    shop.order(prompt, charged=False, state="cancelled")
    shop.order(prompt)
    shop.order(prompt)
    assert len(shop.books().twice) == 1


def test_orders_that_the_two_books_do_not_agree_on_are_named(shop: _Shop) -> None:
    unknown, unpaid = shop.order("a pier", state="cancelled"), shop.order("a train", charged=False)
    shop.order("a bridge", charged=False, state="open")
    found = shop.books()
    assert ({*found.differ}, found.unsettled, found.faults[0]) == ({unknown, unpaid}, 1, "2 orders are booked wrongly")


def test_a_secret_is_found_in_any_file_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "it").write_bytes(b"\x00\xff a-secret-key \x00")
    (tmp_path / "other").write_text("nothing", encoding="utf-8")
    assert leaks(tmp_path, ["a-secret-key"]) == (2, [str(tmp_path / "cache" / "it")])
