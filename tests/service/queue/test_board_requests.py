"""What any board makes of requests: who is next of those that fit, and what stands for one that comes again."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from qmv.service.queue.board import Board, Limits, Refused
from tests.service.queue.boards import Clock, Opens, asked, claimed, orders

# -- who is next -----------------------------------------------------------------------------------------------------


def test_priority_goes_first_then_age_then_place(board: Board, clock: Clock) -> None:
    for session, priority in (("low", 1), ("old", 5), ("young", 5), ("high", 9)):
        asked(board, session, 2, priority=priority)
        clock.now += 1
    taken = [(claim.session, claim.n) for claim in iter(lambda: board.claim("w"), None)]
    assert taken == [(session, n) for session in ("high", "old", "young", "low") for n in (1, 2)]


def test_the_limits_of_all_and_of_a_session_hold(opened: Opens, clock: Clock) -> None:
    board = opened(Limits(running=3, session_running=2))
    asked(board, "a", 4)
    clock.now += 1
    asked(board, "b", 4)
    assert board.due() == 3
    claims = [*iter(lambda: board.claim("w"), None)]
    assert Counter(claim.session for claim in claims) == {"a": 2, "b": 1}
    assert board.due() == 0
    assert board.finish(claims[0], {})
    assert claimed(board).session == "a"


def test_nothing_is_queued_of_what_does_not_fit(opened: Opens) -> None:
    board = opened(Limits(open=3))
    asked(board, "a", 2)
    with pytest.raises(Refused) as refused:
        asked(board, "b", 2)
    assert refused.value.reason == "full"
    assert board.session("b") is None
    asked(board, "c", 1)
    assert not board.submit("a", orders(2), digest="d")[1]  # a full queue still knows what it has
    assert board.counts().queued == 3


# -- asking twice ----------------------------------------------------------------------------------------------------


def test_the_same_request_changes_nothing(board: Board) -> None:
    session, _ = board.submit("s", orders(2), digest="d", key="k")
    assert board.submit("s", orders(2), digest="d", key="k") == (session, False)
    assert board.submit("s", orders(2), digest="d") == (session, False)
    assert board.submit("s", orders(2), digest="d", key="another") == (session, False)
    assert board.counts().queued == 2


@pytest.mark.parametrize(("session", "digest"), [("s", "other"), ("other", "d"), ("other", "other")])
def test_a_key_that_comes_with_another_request_is_refused(board: Board, session: str, digest: str) -> None:
    before = asked(board, key="k")
    with pytest.raises(Refused) as refused:
        board.submit(session, orders(3), digest=digest, key="k")
    assert refused.value.reason == "key"
    assert board.sessions(9) == [before]


def test_requests_with_one_key_that_come_at_once_all_hear_of_the_key(opened: Opens) -> None:
    told, start = Counter[str](), threading.Barrier(12)

    def ask(board: Board, n: int) -> None:
        start.wait()
        try:
            told["queued" if board.submit("s", orders(style=f"{n}"), digest=f"{n}", key="k")[1] else "stands"] += 1
        except Refused as error:
            told[error.reason] += 1

    threads = [threading.Thread(target=ask, args=(opened(), n)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"queued": 1, "key": 11}


def test_the_same_key_is_an_echo_even_where_the_session_failed(board: Board, clock: Clock) -> None:
    asked(board, key="k")
    board.fail(claimed(board), "no.", again=False)
    assert not board.submit("s", orders(), digest="d", key="k")[1]
    assert board.submit("s", orders(), digest="d", key="new")[1]


def test_a_key_is_forgotten_after_a_day(board: Board, clock: Clock, kind: str) -> None:
    asked(board, key="k")
    if kind == "redis":
        assert 86000 < max(redis_ttls(board)) <= 86400
        return
    clock.now += 86401
    board.forget()
    assert board.submit("other", orders(), digest="other", key="k")[1]


def redis_ttls(board: Any) -> list[int]:
    client = board._link.client
    return [client.ttl(name) for name in client.keys("qmv:key:*")]


@pytest.mark.parametrize(("closes", "reason"), [(False, "open"), (True, "done")])
def test_other_videos_of_a_session_are_refused(board: Board, closes: bool, reason: str) -> None:
    asked(board)
    if closes:
        board.finish(claimed(board), {"url": "u"})
    before = board.session("s")
    with pytest.raises(Refused) as refused:
        asked(board, digest="other")
    assert refused.value.reason == reason
    assert board.session("s") == before


def test_asking_again_makes_only_what_failed_and_leaves_no_old_pictures(board: Board, clock: Clock) -> None:
    asked(board, count=3)
    first, second, third = (claimed(board) for _ in range(3))
    for claim in (first, second):
        board.add_picture(claim, 0, b"old")
    board.finish(first, {"url": "u"})
    board.fail(second, "no.", again=False)
    board.finish(third, {"url": "u"})
    session, new = board.submit("s", orders(2), digest="fewer")
    assert new
    assert [(v.status, v.pictures) for v in session.videos] == [("finished", 1), ("queued", 0)]
    assert (board.picture("s", 1, 0), board.picture("s", 2, 0)) == (b"old", None)
    assert (claimed(board).n, board.claim("w")) == (2, None)
