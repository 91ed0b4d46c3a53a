"""Pictures from a service that breaks in every way: each is paid for once, and ends by its deadline."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.api import Account, ImageRequest, Ledger, Outcome, Purchase, Purchases
from qmv.buying.loop import Shop, Terms
from qmv.buying.seller import Busy, Refused, Sold
from qmv.engine.ledger import Order
from qmv.errors import AccessError, BudgetError, ServiceError
from qmv.testing import image_request
from tests.buying.service import BAD, FATES, Clerk, Service, in_virtual_time, picture

PRICE = Decimal("0.01")
DEADLINE_S = 300.0
SLACK_S = 0.01  # of virtual time
HARMLESS = tuple(fate for fate in FATES if not fate.startswith("denied"))
SOME = settings(max_examples=40, deadline=None, derandomize=True)


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


def script(names: Sequence[str], pictures: int = 5) -> st.SearchStrategy[dict[int, list[str]]]:
    return st.lists(st.lists(st.sampled_from(names), max_size=3), min_size=1, max_size=pictures).map(
        lambda drawn: dict(enumerate(drawn))
    )


# -- whatever happens ------------------------------------------------------------------------------------------------


@SOME
@given(fates=script(FATES), in_vain=st.lists(st.booleans(), max_size=6), at_once=st.integers(1, 5))
def test_each_picture_ends_once_in_time_and_is_paid_for_once(
    fates: dict[int, list[str]], in_vain: list[bool], at_once: int
) -> None:
    with market(fates, asks_in_vain=in_vain, at_once=at_once) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert all((outcome.image is None) != (outcome.error is None) for outcome in outcomes.values())
        assert max(trade.took, default=0.0) <= DEADLINE_S + SLACK_S
        assert trade.closed == [1]
        trade.check_charged_once()
        trade.check_books()


@SOME
@given(
    fates=script(FATES),
    cuts=st.lists(st.one_of(st.floats(0.01, 8), st.floats(0.01, 320)), min_size=1, max_size=4),
    lose=st.sets(st.integers(0, 4)),
)
def test_runs_that_are_cut_off_and_begun_again_pay_for_each_picture_once(
    fates: dict[int, list[str]], cuts: list[float], lose: set[int]
) -> None:
    with market(fates) as trade:
        for cut_s in cuts:
            trade.run(cut_s, lose=sorted(lose))
        for _ in range(20):  # each denial ends a run, and each picture has a few troubles
            trade.run()
        assert trade.have | {i for _, _, i, fate in trade.service.got if fate in ("refused", "unwanted")} >= {*fates}
        trade.check_charged_once()
        trade.check_books()
        assert trade.ledger.sums().open == 0 or trade.have != {*fates}


@SOME
@given(fates=script(HARMLESS), cap=st.integers(0, 6), cuts=st.lists(st.floats(0.01, 60), max_size=2))
def test_a_budget_is_never_passed_by_what_the_service_takes(
    fates: dict[int, list[str]], cap: int, cuts: list[float]
) -> None:
    with market(fates, cap=cap * PRICE) as trade:
        for cut_s in [*cuts, None, None]:
            trade.run(cut_s)
        sums = trade.ledger.sums(budget="trial")
        assert len(trade.service.charges) <= cap
        assert sums.spent + sums.reserved <= cap * PRICE


WHILE_DENIED = ("good", "lost", "charged", "slow", "failed", "crowded", "corrupt", "denied", "denied_later")


@SOME
@given(fates=script(WHILE_DENIED, pictures=8), at_once=st.integers(2, 5))
def test_after_access_is_denied_nothing_is_sent(fates: dict[int, list[str]], at_once: int) -> None:
    with market(fates, at_once=at_once) as trade:
        trade.run()
        if trade.service.denied:
            assert [order for order in trade.service.got if order[0] > trade.service.denied[0]] == []


@SOME
@given(fates=script(HARMLESS), runs=st.integers(1, 3))
def test_a_seller_that_cannot_be_asked_is_sent_nothing_again_after_a_doubt(
    fates: dict[int, list[str]], runs: int
) -> None:
    in_doubt = ("lost", "charged", "slow", "late", "failed", "hangs", "hangs_charged", "bug")
    with market(fates, asks=False) as trade:
        for _ in range(runs):
            began = trade.now
            trade.run()
            for index in fates:
                sent = [fate for at, _, picture, fate in trade.service.got if picture == index and at >= began]
                assert all(fate not in in_doubt for fate in sent[:-1]), f"picture {index} was sent again: {sent}"
        sums = trade.ledger.sums()
        assert PRICE * len(trade.service.charges) <= sums.spent + sums.reserved


# -- one thing at a time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["good", "flaky", "charged", "slow", "late", "lost", "failed", "busy", "crowded"])
def test_a_trouble_that_passes_costs_one_picture(fate: str) -> None:
    with market({0: [fate]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert outcomes[0].cost == PRICE
        assert len(trade.service.charges) == 1


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


@pytest.mark.parametrize("fate", ["hangs", "hangs_charged"])
def test_a_service_that_never_answers_ends_with_the_deadline(fate: str) -> None:
    with market({0: [fate]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert "did not come within 300 s; what may be paid for is asked for first" in str(outcomes[0].error)
        assert trade.took == pytest.approx([DEADLINE_S], abs=SLACK_S)


def test_a_service_that_is_dead_is_not_asked_for_the_rest() -> None:
    with market({index: ["hangs"] for index in range(6)}, at_once=2) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert len(trade.service.got) == 2
        assert all(isinstance(outcome.error, ServiceError) for outcome in outcomes.values())


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


def test_a_pause_that_the_service_wants_holds_for_all() -> None:
    with market({0: ["crowded"], 1: ["refused"], 2: []}, at_once=2) as trade:
        trade.run()
        times = {index: at for at, _, index, _ in reversed(trade.service.got)}
        assert times[2] - times[0] >= 20


def test_a_budget_stops_new_orders_and_keeps_what_came() -> None:
    with market({index: [] for index in range(5)}, cap=3 * PRICE) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert sum(outcome.image is not None for outcome in outcomes.values()) == 3
        assert all(isinstance(o.error, BudgetError) for o in outcomes.values() if o.image is None)


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


# -- sellers that cannot be asked ------------------------------------------------------------------------------------


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


def test_a_file_in_doubt_is_fetched_again_where_the_seller_cannot_be_asked() -> None:
    """It was paid for, and its address is known: an answer of 500 is no reason to throw it away."""
    with market({0: ["flaky"]}, asks=False) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert len(trade.service.charges) == 1


def test_an_order_of_an_earlier_run_is_written_off_where_the_seller_cannot_be_asked() -> None:
    with market({0: ["slow"]}, asks=False) as trade:
        assert trade.run(cut_s=0.05) is None
        outcomes = trade.run()
        assert outcomes is not None
        assert outcomes[0].image == picture()
        assert trade.ledger.sums().spent == 2 * PRICE


# -- what the user is told -------------------------------------------------------------------------------------------


def test_a_trouble_that_lasts_is_told_once() -> None:
    with market({0: ["busy"] * 6, 1: ["busy"] * 6}) as trade:
        trade.run()
        [words] = trade.told
        assert words.endswith(": the service failed; trying on")


def test_a_bug_of_a_seller_is_a_sentence_and_leaves_the_order_open() -> None:
    with market({0: ["bug"]}) as trade:
        outcomes = trade.run()
        assert outcomes is not None
        text = "image (trial): picture 1: failed (KeyError); the details are in run.log."
        assert str(outcomes[0].error) == text
        assert trade.ledger.sums().open == 1
        again = trade.run()
        assert again is not None
        assert again[0].image == picture()
        assert len(trade.service.charges) == 1
