"""What is cancelled, and what is asked for again after it, on any board."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Limits, Refused, Word
from tests.service.queue.boards import Clock, Opens, asked, claimed, orders, video


def test_nobody_can_cancel_what_is_not_there(board: Board) -> None:
    assert board.cancel("nothing") is None


def test_cancelling_closes_what_waits_and_tells_who_works(board: Board, clock: Clock) -> None:
    asked(board, count=3)
    done, working = claimed(board), claimed(board)
    board.finish(done, {"url": "u"})
    session, count = board.cancel("s")  # type: ignore[misc]
    assert ([v.status for v in session.videos], count) == (["finished", "running", "cancelled"], 2)
    assert board.tell(working, Live()) is Word.CANCEL
    assert board.cancel("s") == (board.session("s"), 0)  # once more does no harm
    assert board.cancelled(working)
    assert [v.status for v in board.session("s").videos] == ["finished", "cancelled", "cancelled"]  # type: ignore[union-attr]
    assert board.tell(working, Live()) is Word.LOST
    assert board.claim("w") is None


def test_what_failed_or_was_cancelled_is_queued_anew_and_nothing_else(board: Board, clock: Clock) -> None:
    asked(board, count=3)
    done, failing = claimed(board), claimed(board)
    board.finish(done, {"url": "u"})
    board.fail(failing, "no answer.", again=False)
    board.cancel("s")
    clock.now += 5
    session, count = board.retry("s")  # type: ignore[misc]
    assert count == 2
    assert [v.status for v in session.videos] == ["finished", "queued", "queued"]
    assert [v.error for v in session.videos] == ["", "", ""]
    assert board.retry("s") == (board.session("s"), 0)  # once more does no harm
    again = claimed(board)
    assert (again.n, again.order, again.attempt) == (2, failing.order, 2)
    assert board.tell(failing, Live()) is Word.LOST
    assert board.retry("nothing") is None


def test_what_is_queued_anew_has_none_of_its_old_pictures(board: Board) -> None:
    asked(board, count=2)
    failing, done = claimed(board), claimed(board)
    for place in range(3):
        board.add_picture(failing, place, b"old")
        board.add_picture(done, place, b"kept")
    board.fail(failing, "no answer.", again=False)
    board.finish(done, {})
    board.retry("s")
    assert (board.picture("s", 1, 2), board.picture("s", 2, 2)) == (None, b"kept")
    board.add_picture(claimed(board), 0, b"new")
    assert (video(board).pictures, video(board, n=2).pictures) == (1, 3)


def test_sessions_that_are_asked_for_again_at_once_fit_together(opened: Opens) -> None:
    board = opened(Limits(session_running=0, open=3))
    for n in range(12):
        asked(board, f"s{n}")
        board.cancel(f"s{n}")
    start, told = threading.Barrier(12), Counter[str]()

    def again(session: str) -> None:
        start.wait()
        try:
            board.retry(session)
            told["queued"] += 1
        except Refused as error:
            told[error.reason] += 1

    threads = [threading.Thread(target=again, args=(f"s{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (told, board.counts().queued) == ({"queued": 3, "full": 9}, 3)


def test_what_is_queued_anew_must_fit(opened: Opens) -> None:
    board = opened(Limits(session_running=0, open=2))
    asked(board, count=2)
    board.cancel("s")
    asked(board, session="t")
    with pytest.raises(Refused) as caught:
        board.retry("s")
    assert caught.value.reason == "full"
    assert board.session("s").status == "cancelled"  # type: ignore[union-attr]


def test_a_session_that_is_being_cancelled_stands_for_no_request(board: Board) -> None:
    asked(board, key="first")
    claim = claimed(board)
    before = board.cancel("s")[0]  # type: ignore[index]
    for given in ({}, {"key": "k"}, {"digest": "other"}):
        with pytest.raises(Refused, match=r"session s: is being cancelled; ask again in some seconds\.") as refused:
            asked(board, **given)
        assert refused.value.reason == "open"
    assert board.submit("s", orders(), digest="d", key="first") == (before, False)  # that request again
    board.cancelled(claim)
    assert board.submit("s", orders(), digest="d", key="first")[1] is False
    assert board.submit("s", orders(), digest="d", key="k")[1]  # the key was not used up
    assert claimed(board).attempt == 2


def test_what_is_being_cancelled_is_not_queued_anew_before_it_is(board: Board) -> None:
    asked(board, count=2)
    failing, working = claimed(board), claimed(board)
    board.fail(failing, "no.", again=False)
    before = board.cancel("s")[0]  # type: ignore[index]
    with pytest.raises(Refused, match="being cancelled") as refused:
        board.retry("s")
    assert (refused.value.reason, board.session("s")) == ("open", before)
    board.cancelled(working)
    assert board.retry("s") == (board.session("s"), 2)


def test_cancelling_what_waits_for_another_try_closes_it(board: Board, clock: Clock) -> None:
    asked(board)
    board.fail(claimed(board), "no answer.", again=True)
    board.cancel("s")
    clock.now += 1000
    assert (video(board).status, video(board).retry_at) == ("cancelled", None)
    assert board.claim("w") is None


@pytest.mark.parametrize("states", ["finished", "failed"])
def test_cancelling_what_is_closed_changes_nothing(board: Board, clock: Clock, states: str) -> None:
    asked(board)
    claim = claimed(board)
    board.finish(claim, {}) if states == "finished" else board.fail(claim, "no.", again=False)
    before = board.session("s")
    assert board.cancel("s") == (before, 0)


def test_what_was_cancelled_and_lost_its_worker_is_cancelled(board: Board, clock: Clock) -> None:
    asked(board)
    claimed(board)
    board.cancel("s")
    clock.now += 15
    assert board.claim("w") is None
    assert video(board).status == "cancelled"


def test_cancelling_counts_what_it_closes_though_its_worker_was_told_before(board: Board, clock: Clock) -> None:
    asked(board, count=2)
    claims = claimed(board), claimed(board)
    assert board.cancel("s") == (board.session("s"), 2)
    clock.now += 10
    board.tell(claims[0], Live())
    clock.now += 5
    session, count = board.cancel("s")  # type: ignore[misc]
    assert ([v.status for v in session.videos], count) == (["running", "cancelled"], 1)
    assert board.cancel("s") == (session, 0)


def test_cancelling_needs_no_worker_where_the_last_one_is_lost(board: Board, clock: Clock) -> None:
    asked(board)
    claim = claimed(board)
    clock.now += 15
    board.cancel("s")
    assert video(board).status == "cancelled"
    assert not board.finish(claim, {})
