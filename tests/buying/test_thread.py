"""Buying from a thread that looks on: what comes, what is told, and what happens when nobody wants the rest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from qmv.api import Account, ImageRequest, Ledger, Purchase, Purchases
from qmv.buying.batch import Terms
from qmv.buying.seller import Busy, Sold
from qmv.buying.thread import buy
from qmv.errors import AccessError
from qmv.testing import image_request
from tests.buying.service import picture

TERMS = Terms(at_once=2, deadline_s=60)


class Stall:
    """Sells at once, but for the pictures of `hangs`, which never come. Tells when it is closed."""

    name, asks = "trial", True

    def __init__(self, hangs: tuple[int, ...] = (), *, busy: int = 0, sticks: bool = False) -> None:
        self.hangs, self.busy, self.sticks = hangs, busy, sticks
        self.sent, self.cancelled, self.closed = threading.Event(), threading.Event(), threading.Event()

    async def order(self, request: ImageRequest, order: str) -> Sold:
        if self.busy:
            self.busy -= 1
            raise Busy("the service failed")
        if request.index in self.hangs:
            self.sent.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        return Sold(image=picture(), cost=Decimal("0.01"))

    async def find(self, request: ImageRequest, order: str) -> Sold | None:
        return None

    async def fetch(self, sold: Sold) -> bytes:
        raise AssertionError("it sends its pictures along")

    def size(self, request: ImageRequest) -> tuple[int, int] | None:
        return None

    async def close(self) -> None:
        self.closed.set()
        if self.sticks:
            raise OSError("the connection is gone")


def requests_of(count: int) -> list[ImageRequest]:
    return [image_request(index=index) for index in range(count)]


def purchases(folder: Path, requests: list[ImageRequest], told: list[str] | None = None) -> Purchases:
    account = Account(ledger=Ledger(folder / "ledger.sqlite"), budget="b", run="r")
    wanted = {r: Purchase(key=f"picture {r.index}", product="trial", price=Decimal("0.01")) for r in requests}
    return Purchases(account=account, wanted=wanted, tell=(told if told is not None else []).append)


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "buying"] == []


def test_an_outcome_comes_for_each_request(tmp_path: Path) -> None:
    requests, stall = requests_of(5), Stall()
    outcomes = list(buy(lambda: stall, requests, purchases(tmp_path, requests), TERMS))
    assert sorted(outcome.request.index for outcome in outcomes) == [0, 1, 2, 3, 4]
    assert all(outcome.image == picture() for outcome in outcomes)
    assert stall.closed.is_set()


def test_nothing_is_made_for_no_request(tmp_path: Path) -> None:
    def seller() -> Stall:
        raise AssertionError("nobody wants anything")

    assert list(buy(seller, [], purchases(tmp_path, []), TERMS)) == []


def test_nothing_is_bought_before_the_first_look(tmp_path: Path) -> None:
    requests = requests_of(1)
    outcomes = buy(Stall, requests, purchases(tmp_path, requests), TERMS)
    assert not (tmp_path / "ledger.sqlite").exists()
    outcomes.close()  # type: ignore[attr-defined]


def test_whoever_leaves_early_leaves_the_open_order_in_the_ledger(tmp_path: Path) -> None:
    requests, stall = requests_of(2), Stall(hangs=(1,))
    books = purchases(tmp_path, requests)
    outcomes = buy(lambda: stall, requests, books, TERMS)
    assert next(outcomes).request.index == 0
    assert stall.sent.wait(20)
    outcomes.close()  # type: ignore[attr-defined]
    assert stall.cancelled.is_set()
    assert stall.closed.is_set()
    assert books.account.sums().open == 1


def test_whoever_leaves_after_the_last_outcome_leaves_nothing_behind(tmp_path: Path) -> None:
    requests, stall = requests_of(1), Stall()
    outcomes = buy(lambda: stall, requests, purchases(tmp_path, requests), TERMS)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [AccessError("trial: no key."), ValueError("a bug"), SystemExit(3)], ids=repr)
def test_what_stops_the_seller_from_being_made_reaches_the_one_who_buys(tmp_path: Path, error: BaseException) -> None:
    requests = requests_of(1)

    def seller() -> Stall:
        raise error

    with pytest.raises(type(error)):
        list(buy(seller, requests, purchases(tmp_path, requests), TERMS))


def test_a_connection_that_does_not_close_loses_no_picture(tmp_path: Path) -> None:
    requests = requests_of(2)
    outcomes = list(buy(lambda: Stall(sticks=True), requests, purchases(tmp_path, requests), TERMS))
    assert [outcome.error for outcome in outcomes] == [None, None]


def test_sentences_are_told_in_the_thread_that_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmv.buying.patience._FIRST_WAIT_S", 0.0)
    requests, told, where = requests_of(1), list[str](), list[str]()
    books = purchases(tmp_path, requests)
    tell = lambda words: (told.append(words), where.append(threading.current_thread().name))  # noqa: E731
    books = Purchases(account=books.account, wanted=books.wanted, tell=tell)  # type: ignore[arg-type]
    [outcome] = buy(lambda: Stall(busy=5), requests, books, TERMS)
    assert outcome.image == picture()
    assert told == ["image (trial): picture 1: the service failed; trying on"]
    assert where == [threading.current_thread().name]
