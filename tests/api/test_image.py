"""Providers that bring `render` only: the base class maps it over threads and books what has a price."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

from qmv.api import ImageProvider, ImageRequest, Outcome, Purchases, plugin, setting
from qmv.engine.ledger import Sums
from qmv.errors import AccessError, BudgetError, PluginError, ServiceError
from qmv.testing import image_request
from qmv.testing.things import trial_purchases

CENT = Decimal("0.01")


@plugin
class Dear(ImageProvider):
    """Sells pictures for a cent; fails as it is told."""

    name = "dear"
    paid = True
    threads = 2
    ways: dict[str, str] = setting("what becomes of pictures, by their number", default={}, keyed=False)
    usd: float | None = setting("the price", default=0.01)

    def price(self, request: ImageRequest) -> Decimal | None:
        return None if self.usd is None else Decimal(str(self.usd))

    def render(self, request: ImageRequest) -> bytes:
        match self.ways.get(str(request.index), ""):
            case "refused":
                raise ServiceError("dear: no.")
            case "denied":
                raise AccessError("dear: no key.")
            case "bug":
                raise ConnectionError("reset")
        return b"a picture"


def requests_of(count: int) -> list[ImageRequest]:
    return [image_request(index=index, seed=index) for index in range(count)]


def bought(
    provider: ImageProvider, folder: Path, count: int, cap: Decimal | None = None
) -> tuple[dict[int, Outcome], Purchases]:
    requests = requests_of(count)
    purchases = trial_purchases(folder, provider, requests, cap=cap)
    outcomes = list(provider.render_all(requests, purchases))
    assert sorted(outcome.request.index for outcome in outcomes) == list(range(count))
    return {outcome.request.index: outcome for outcome in outcomes}, purchases


def test_what_has_a_price_is_booked(tmp_path: Path) -> None:
    outcomes, purchases = bought(Dear(), tmp_path, 5)
    assert all((outcome.image, outcome.cost) == (b"a picture", CENT) for outcome in outcomes.values())
    assert len({outcome.order for outcome in outcomes.values()}) == 5
    assert purchases.account.sums() == Sums(spent=5 * CENT, orders=5)


def test_what_is_free_is_not_booked(tmp_path: Path) -> None:
    class Free(Dear):
        paid = False

    outcomes, purchases = bought(Free(usd=None), tmp_path, 2)
    assert [outcome.order for outcome in outcomes.values()] == ["", ""]
    assert not purchases.account.ledger.path.exists()


def test_a_refusal_costs_nothing_and_loses_no_other(tmp_path: Path) -> None:
    outcomes, purchases = bought(Dear(ways={"1": "refused"}), tmp_path, 3)
    assert [index for index in range(3) if outcomes[index].error] == [1]
    assert purchases.account.sums() == Sums(spent=2 * CENT, orders=2)


def test_an_unexpected_end_is_a_sentence_and_leaves_the_order_open(tmp_path: Path) -> None:
    outcomes, purchases = bought(Dear(ways={"0": "bug"}), tmp_path, 2)
    assert isinstance(outcomes[0].error, PluginError)
    assert str(outcomes[0].error) == (
        "image (dear): picture 1 failed (ConnectionError: reset); the details are in run.log."
    )
    assert (purchases.account.sums().open, purchases.account.sums().orders) == (1, 1)


def test_an_open_order_of_an_earlier_run_is_written_off_before_another_is_begun(tmp_path: Path) -> None:
    bought(Dear(ways={"0": "bug"}), tmp_path, 1)
    outcomes, purchases = bought(Dear(), tmp_path, 1)
    assert outcomes[0].image == b"a picture"
    assert purchases.account.sums() == Sums(spent=2 * CENT, orders=2, spoiled=1)


def test_a_budget_stops_what_it_has_no_room_for_and_keeps_the_rest(tmp_path: Path) -> None:
    outcomes, purchases = bought(Dear(), tmp_path, 8, cap=3 * CENT)
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    assert purchases.account.sums() == Sums(spent=3 * CENT, orders=3)
    assert len(errors) == 5
    assert all(isinstance(error, BudgetError) for error in errors)


def test_a_denial_is_the_end_of_all_that_were_not_begun(tmp_path: Path) -> None:
    outcomes, purchases = bought(Dear(ways={str(index): "denied" for index in range(12)}), tmp_path, 12)
    assert all(isinstance(outcome.error, AccessError) for outcome in outcomes.values())
    assert purchases.account.sums() == Sums()


def test_a_ledger_that_cannot_be_used_buys_nothing(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no ledger" * 1000)
    outcomes, _ = bought(Dear(), tmp_path, 2)
    assert all("nothing is bought until then" in str(outcome.error) for outcome in outcomes.values())


def test_what_is_in_work_when_it_is_left_stays_in_the_ledger(tmp_path: Path) -> None:
    """The picture that nobody waits for was paid for; the next run finds its order."""
    going, left = threading.Event(), threading.Event()

    class Slow(Dear):
        def render(self, request: ImageRequest) -> bytes:
            if request.index:
                going.set()
                left.wait(20)
            return b"a picture"

    requests, provider = requests_of(2), Slow()
    purchases = trial_purchases(tmp_path, provider, requests)
    outcomes = provider.render_all(requests, purchases)
    assert next(outcomes).request.index == 0
    assert going.wait(20)
    outcomes.close()  # type: ignore[attr-defined]
    assert purchases.account.sums().open == 1
    assert [order.paid for order in purchases.pending(requests[1])] == [False]
    left.set()
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(20)
    assert [order.paid for order in purchases.pending(requests[1])] == [True]


def test_a_picture_whose_price_is_not_known_is_booked(tmp_path: Path) -> None:
    _, purchases = bought(Dear(usd=None), tmp_path, 2)
    assert purchases.account.sums() == Sums(orders=2, unpriced=2)


def test_a_denial_stops_the_others_though_nobody_looks_at_the_outcomes(tmp_path: Path) -> None:
    """The first comes, and 1 is denied before anyone looks at the second outcome."""
    asked, denied = [], threading.Event()

    class Strict(Dear):
        threads = 1

        def render(self, request: ImageRequest) -> bytes:
            asked.append(request.index)
            if request.index:
                denied.set()
                raise AccessError("no")
            return b"x"

    requests, provider = requests_of(10), Strict()
    outcomes = provider.render_all(requests, trial_purchases(tmp_path, provider, requests))
    next(outcomes)
    assert denied.wait(20)
    list(outcomes)
    assert asked == [0, 1]
