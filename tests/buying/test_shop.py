"""Batches of pictures from a service that breaks in every way: each is paid for once, and ends by its deadline."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.errors import ServiceError
from tests.buying.market import DEADLINE_S, PRICE, SLACK_S, market
from tests.buying.service import FATES, picture

HARMLESS = tuple(fate for fate in FATES if not fate.startswith("denied"))
WHILE_DENIED = ("good", "lost", "charged", "slow", "failed", "crowded", "corrupt", "denied", "denied_later")
SOME = settings(max_examples=40, deadline=None, derandomize=True)


def script(names: Sequence[str], pictures: int = 5) -> st.SearchStrategy[dict[int, list[str]]]:
    return st.lists(st.lists(st.sampled_from(names), max_size=3), min_size=1, max_size=pictures).map(
        lambda drawn: dict(enumerate(drawn))
    )


# -- whatever happens --------------------------------------------------------------------------------------------------


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


# -- one thing at a time -----------------------------------------------------------------------------------------------


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
