"""What becomes of jobs whose workers are lost, or cannot be heard, on every board."""

from __future__ import annotations

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Limits, Word
from qmv.service.queue.jobs import Claim
from tests.service.queue.boards import Clock, Opens, asked, claimed, video


def test_a_job_that_loses_its_workers_is_parked(opened: Opens, clock: Clock) -> None:
    board = opened(Limits(losses=2))
    asked(board)
    for _ in range(2):
        claimed(board)
        clock.now += 15
    assert board.claim("w") is None
    assert (video(board).status, video(board).parked) == ("failed", True)
    assert "workers" in video(board).error
    totals = board.counts().totals
    assert {name: totals[name] for name in ("lost", "parked", "failed")} == {"lost": 2, "parked": 1, "failed": 1}


# -- lost workers, where nobody is free ------------------------------------------------------------------------------


def test_a_lost_worker_is_seen_before_anybody_claims(board: Board, clock: Clock) -> None:
    asked(board)
    claim = claimed(board)
    board.tell(claim, Live(percent=41.0))
    clock.now += 19
    version = board.changes(0)[0]
    board.take_back()
    assert (video(board).status, board.changes(0)[0]) == ("running", version)  # its worker may only be late
    clock.now += 1
    board.take_back()
    assert (video(board).status, video(board).live, video(board).started_at) == ("queued", Live(percent=41.0), None)
    assert "worker was lost" in video(board).last_try
    assert board.changes(version) == (version + 1, ["s"])  # so listeners hear of it
    assert board.tell(claim, Live()) is Word.LOST
    assert not board.finish(claim, {"url": "u"})


def test_a_loss_that_was_seen_is_not_counted_again(board: Board, clock: Clock) -> None:
    asked(board)
    claimed(board)
    clock.now += 20
    for _ in range(3):
        board.take_back()
    assert board.due() == 1
    assert (claimed(board).attempt, board.counts().totals["lost"]) == (2, 1)
    clock.now += 14
    board.take_back()
    assert video(board).status == "running"


def test_a_job_whose_losses_are_only_seen_is_parked_too(opened: Opens, clock: Clock) -> None:
    board = opened(Limits(losses=2))
    asked(board)
    for _ in range(2):
        claimed(board)
        clock.now += 20
        board.take_back()
    assert (video(board).status, video(board).parked) == ("failed", True)
    totals = board.counts().totals
    assert {name: totals[name] for name in ("lost", "parked", "failed")} == {"lost": 2, "parked": 1, "failed": 1}


def test_what_was_called_off_closes_when_its_worker_is_lost(board: Board, clock: Clock) -> None:
    asked(board)
    claimed(board)
    board.cancel("s")
    clock.now += 20
    board.take_back()
    assert video(board).status == "cancelled"


def test_where_nobody_is_lost_nothing_changes(board: Board, clock: Clock) -> None:
    board.take_back()
    asked(board, count=2)
    board.finish(claimed(board), {})
    board.fail(claimed(board), "no answer.", again=True)
    before = (board.session("s"), board.changes(0))
    clock.now += 1000
    board.take_back()
    assert (board.session("s"), board.changes(0)) == before


# -- leases that lapsed ----------------------------------------------------------------------------------------------


def lapses(board: Board) -> Claim:
    claim = claimed(board)
    assert board.give_back(claim, lapsed=True)
    return claim


def test_a_lease_that_lapses_is_no_failure_until_it_comes_too_often(opened: Opens) -> None:
    limits = Limits(attempts=2)
    board = opened(limits)
    asked(board)
    for _ in range(2):
        lapses(board)
        assert (video(board).status, video(board).error, video(board).retry_at) == ("queued", "", None)
    board = opened(limits)  # it is kept
    claim = lapses(board)
    assert (video(board).status, video(board).parked) == ("failed", True)
    assert "could not renew its lease in time, 3 times for this video" in video(board).error
    assert board.give_back(claim, lapsed=True)  # said again, as where the answer got lost on its way
    totals = board.counts().totals
    assert {name: totals.get(name, 0) for name in ("lost", "retried", "parked", "failed")} == {
        "lost": 0, "retried": 0, "parked": 1, "failed": 1,
    }  # fmt: skip


def test_lapses_of_an_earlier_request_do_not_count(opened: Opens) -> None:
    board = opened(Limits(attempts=1))
    asked(board)
    for again in (lambda: board.retry("s"), lambda: asked(board), lambda: asked(board, digest="other")):
        lapses(board)
        assert video(board).status == "queued"
        lapses(board)
        assert video(board).status == "failed"
        again()
        assert (video(board).status, video(board).error) == ("queued", "")
    lapses(board)
    assert video(board).status == "queued"
