"""The way of a job on any board: from the queue to its end, by way of failures and lost workers."""

from __future__ import annotations

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Limits, Word
from tests.service.queue.boards import START, Clock, Opens, asked, claimed, orders, video

# -- a job's way -----------------------------------------------------------------------------------------------------


def test_a_new_session_is_queued_with_all_that_was_asked(board: Board) -> None:
    session, new = board.submit("s", orders(2), digest="d", priority=7)
    assert new
    assert session == board.session("s")
    assert (session.status, session.created_at, session.version) == ("queued", START, 1)
    assert [(v.n, v.title, v.style, v.queued_at) for v in session.videos] == [
        (1, "Song 1 ä", "neon", START),
        (2, "Song 2 ä", "neon", START),
    ]


def test_a_claim_holds_the_order_and_shows_as_running(board: Board, clock: Clock) -> None:
    asked(board)
    clock.now += 3
    claim = claimed(board)
    assert (claim.session, claim.n, claim.order, claim.attempt, claim.lease_s) == ("s", 1, orders()[0], 1, 15.0)
    assert (video(board).status, video(board).started_at, video(board).attempt) == ("running", START + 3, 1)
    assert board.claim("other") is None


def test_what_a_worker_tells_is_seen(board: Board) -> None:
    asked(board)
    live = Live(title="Song", stages=("beats", "video"), stage="beats", done=1, total=3, percent=12.5, left_s=9.0)
    assert board.tell(claimed(board), live) is Word.GO_ON
    assert video(board).live == live


def test_a_finished_video_shows_its_result(board: Board, clock: Clock) -> None:
    asked(board)
    claim = claimed(board)
    clock.now += 8
    assert board.finish(claim, {"url": "https://x/v.mp4", "size_bytes": 3})
    done = video(board)
    assert (done.status, done.result, done.ended_at) == (
        "finished", {"url": "https://x/v.mp4", "size_bytes": 3}, START + 8,
    )  # fmt: skip
    session = board.session("s")
    assert session is not None
    assert (session.status, session.percent) == ("finished", 100)


def test_an_end_that_is_said_twice_is_heard_once(board: Board) -> None:
    """A worker that got no answer says it again."""
    asked(board)
    claim = claimed(board)
    assert board.finish(claim, {"url": "u"})
    assert board.finish(claim, {"url": "other"})
    assert video(board).result == {"url": "u"}
    assert board.counts().totals["finished"] == 1
    assert not board.fail(claim, "no", again=True)


def test_a_failure_is_tried_again_after_its_wait(board: Board, clock: Clock) -> None:
    asked(board)
    assert board.fail(claimed(board), "no answer.", again=True)
    assert (video(board).status, video(board).error, video(board).retry_at) == ("queued", "no answer.", START + 5)
    clock.now += 4.9
    assert board.claim("w") is None
    assert board.due() == 0
    clock.now += 0.2
    assert board.due() == 1
    assert claimed(board).attempt == 2
    assert (video(board).error, video(board).last_try) == ("", "no answer.")  # which is over
    assert board.session("s").error == ""  # type: ignore[union-attr]


def test_too_many_tries_park_a_video_and_its_session_can_be_asked_for_again(opened: Opens, clock: Clock) -> None:
    board = opened(Limits(attempts=2))
    asked(board)
    for _ in range(2):
        board.fail(claimed(board), "no answer.", again=True)
        clock.now += 1000
    assert (video(board).status, video(board).parked, video(board).error) == ("failed", True, "no answer.")
    assert board.claim("w") is None
    session, new = board.submit("s", orders(), digest="d")
    assert new
    assert (session.status, session.videos[0].parked, session.error) == ("queued", False, "")
    assert claimed(board).attempt == 3  # its folder is one that no try has had


def test_what_is_given_back_is_queued_at_once_and_does_not_count(opened: Opens) -> None:
    board = opened(Limits(attempts=2))
    asked(board)
    for _ in range(5):
        assert board.give_back(claimed(board))
        assert (video(board).status, video(board).retry_at) == ("queued", None)
    board.fail(claimed(board), "no answer.", again=True)
    assert video(board).status == "queued"


# -- leases ----------------------------------------------------------------------------------------------------------


def test_a_lease_that_is_renewed_holds(board: Board, clock: Clock) -> None:
    asked(board)
    claim = claimed(board)
    for _ in range(4):
        clock.now += 14
        assert board.claim("other") is None
        assert board.tell(claim, Live()) is Word.GO_ON


def test_a_lease_that_ran_out_gives_the_job_to_the_next(board: Board, clock: Clock) -> None:
    asked(board)
    first = claimed(board)
    clock.now += 15
    assert board.due() == 1
    second = claimed(board, "other")
    assert (second.attempt, second.n) == (2, 1)
    assert second.token != first.token
    assert board.counts().totals["lost"] == 1


def test_an_old_claim_changes_nothing_any_more(board: Board, clock: Clock) -> None:
    asked(board)
    old = claimed(board)
    clock.now += 15
    new = claimed(board)
    before = board.session("s")
    assert board.tell(old, Live(percent=99)) is Word.LOST
    board.add_picture(old, 0, b"jpeg")
    assert not board.finish(old, {"url": "old"})
    assert not board.fail(old, "old", again=True)
    assert not board.give_back(old)
    assert not board.cancelled(old)
    assert board.session("s") == before
    assert board.picture("s", 1, 0) is None
    assert board.tell(new, Live()) is Word.GO_ON


def test_a_late_word_counts_while_nobody_else_has_the_job(board: Board, clock: Clock) -> None:
    asked(board)
    claim = claimed(board)
    clock.now += 60
    assert board.tell(claim, Live(percent=5)) is Word.GO_ON
    assert board.claim("other") is None


# -- a clock that is set back ----------------------------------------------------------------------------------------


def test_what_waits_for_nothing_runs_whatever_the_clock_says(board: Board, clock: Clock) -> None:
    asked(board)
    clock.now -= 3600
    assert (board.due(), board.counts().oldest_s) == (1, 0)
    assert board.give_back(claimed(board))
    clock.now -= 3600
    assert board.fail(claimed(board), "no answer.", again=True)
    assert board.claim("w") is None
    clock.now -= 3600  # no back-off is as long as that
    assert board.due() == 1
    claimed(board)


def test_a_lease_from_before_the_clock_was_set_back_is_no_longer_than_another(board: Board, clock: Clock) -> None:
    asked(board, count=2)
    dead, living = claimed(board), claimed(board)
    version = board.changes(0)[0]
    clock.now -= 3600
    assert board.due() == 2  # so that somebody asks
    assert board.claim("w") is None
    assert (board.due(), board.counts().running, board.changes(0)[0]) == (0, 2, version)
    clock.now += 10
    assert board.tell(living, Live()) is Word.GO_ON
    clock.now += 10
    assert claimed(board).n == dead.n
    assert board.claim("w") is None


def test_a_clock_that_was_set_back_hides_no_lost_worker_where_nobody_is_free(board: Board, clock: Clock) -> None:
    asked(board, count=2)
    dead, living = claimed(board), claimed(board)
    clock.now -= 3600
    version = board.changes(0)[0]
    board.take_back()
    assert board.changes(0)[0] == version
    clock.now += 14
    assert board.tell(living, Live()) is Word.GO_ON
    clock.now += 6
    board.take_back()
    assert [video(board, n=claim.n).status for claim in (dead, living)] == ["queued", "running"]
