"""What anybody may see of any board: changes, pictures, counts, and what is forgotten."""

from __future__ import annotations

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Limits
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.sqlite_board import SqliteBoard
from tests.service.queue.boards import Clock, Opens, asked, claimed, video


def test_versions_rise_with_what_can_be_seen_and_only_then(board: Board) -> None:
    asked(board, "a")
    asked(board, "b")
    assert board.changes(0) == (2, ["a", "b"])
    claim = claimed(board)
    assert board.changes(2) == (3, ["a"])
    board.tell(claim, Live(percent=1))
    board.tell(claim, Live(percent=1))  # only the lease
    assert board.changes(3) == (4, ["a"])
    assert board.changes(4) == (4, [])
    assert board.changes(99) == (4, ["b", "a"])  # from before the queue was begun anew
    assert (board.session("a") or asked(board)).version == 4


def test_pictures_come_in_any_order(board: Board) -> None:
    asked(board)
    claim = claimed(board)
    for index, count in ((2, 0), (0, 1), (1, 3), (0, 3)):
        board.add_picture(claim, index, b"\xff\xd8%d" % index)
        assert video(board).pictures == count
    assert board.picture("s", 1, 2) == b"\xff\xd82"
    assert board.picture("s", 1, 3) is None
    assert board.picture("s", 2, 0) is None
    assert board.picture("nothing", 1, 10**30) is None


def test_the_latest_sessions_come_first(board: Board, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        asked(board, name)
        clock.now += 1
    assert [session.id for session in board.sessions(2)] == ["c", "b"]
    assert [len(board.sessions(most)) for most in (0, -1, 10**30 if isinstance(board, SqliteBoard) else 99)] == [
        0,
        0,
        3,
    ]


def test_counts_tell_how_the_queue_is(board: Board, clock: Clock) -> None:
    asked(board, count=3)
    clock.now += 30
    claimed(board, "one")
    board.seen("two")
    counts = board.counts()
    assert (counts.queued, counts.running, counts.workers, counts.oldest_s) == (2, 1, 2, 30)
    assert counts.totals == {"submitted": 3}
    clock.now += 15
    assert board.counts().workers == 0


def test_closed_sessions_are_forgotten_in_time(opened: Opens, clock: Clock, kind: str) -> None:
    board = opened(Limits(keep_s=100))
    asked(board, "open")
    clock.now += 1
    asked(board, "closed", priority=9)
    claim = claimed(board)
    board.add_picture(claim, 0, b"jpeg")
    board.finish(claim, {})
    clock.now += 99
    assert board.forget() == []
    clock.now += 2
    assert board.forget() == ["closed"]
    assert board.session("closed") is None
    assert board.picture("closed", 1, 0) is None
    assert [session.id for session in board.sessions(9)] == ["open"]
    assert board.changes(0)[1] == ["open"]
    assert board.forget() == []
    if isinstance(board, RedisBoard):
        assert [name for name in board._link.client.keys("*") if b"closed:" in name or name.endswith(b":closed")] == []
