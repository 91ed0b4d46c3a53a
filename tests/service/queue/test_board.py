"""One contract for both boards: what the web and the workers may count on, wherever the queue is kept."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.secrets import redacted
from qmv.errors import ConfigError
from qmv.live.progress import Live
from qmv.service.checks import check_all
from qmv.service.queue import sqlite_file
from qmv.service.queue.board import Board, Limits, Refused, Unavailable, Word
from qmv.service.queue.jobs import Claim, Order, Session, Video
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings, open_board
from tests.fakes.redis_server import RedisServer, redis_server

ROOT = Path(__file__).resolve().parents[3]
START = 1_800_000_000.0
FREE = Limits(session_running=0)
GONE = ("fail", "finish", "give_back", "cancelled")


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


Opens = Callable[..., Board]


@pytest.fixture(params=["sqlite", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(kind: str, tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> Iterator[Opens]:
    """Opens boards on the same empty place."""
    boards: list[Board] = []
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        server.client.flushall()

    def board(limits: Limits = FREE, clock: Any = clock) -> Board:
        if kind == "redis":
            boards.append(RedisBoard(server.url, limits, clock))
        else:
            boards.append(SqliteBoard(tmp_path / "state" / "state.sqlite", limits, clock or time.time))
        return boards[-1]

    yield board
    for one in boards:
        one.close()


@pytest.fixture
def board(opened: Opens) -> Board:
    return opened()


def orders(count: int = 1, style: str = "neon") -> list[Order]:
    return [
        Order(song=f"/songs/{n}.wav", title=f"Song {n} ä", style=style, settings={"fps": 24})
        for n in range(1, count + 1)
    ]


def asked(board: Board, session: str = "s", count: int = 1, **given: Any) -> Session:
    return board.submit(session, orders(count), digest=given.pop("digest", "d"), **given)[0]


def claimed(board: Board, worker: str = "w") -> Claim:
    claim = board.claim(worker)
    assert claim is not None
    return claim


def video(board: Board, session: str = "s", n: int = 1) -> Video:
    found = board.session(session)
    assert found is not None
    return found.videos[n - 1]


def fails(board: Board, clock: Clock, session: str = "s") -> None:
    asked(board, session)
    board.fail(claimed(board), "no such song.", again=False)


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


# -- cancelling ------------------------------------------------------------------------------------------------------


def test_nobody_can_cancel_what_is_not_there(board: Board) -> None:
    assert board.cancel("nothing") is None


def test_cancelling_closes_what_waits_and_tells_who_works(board: Board, clock: Clock) -> None:
    asked(board, count=3)
    done, working = claimed(board), claimed(board)
    board.finish(done, {"url": "u"})
    session = board.cancel("s")
    assert session is not None
    assert [v.status for v in session.videos] == ["finished", "running", "cancelled"]
    assert board.tell(working, Live()) is Word.CANCEL
    assert board.cancel("s") == board.session("s")  # once more does no harm
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
    before = board.cancel("s")
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
    before = board.cancel("s")
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
    assert board.cancel("s") == before


def test_what_was_cancelled_and_lost_its_worker_is_cancelled(board: Board, clock: Clock) -> None:
    asked(board)
    claimed(board)
    board.cancel("s")
    clock.now += 15
    assert board.claim("w") is None
    assert video(board).status == "cancelled"


def test_cancelling_needs_no_worker_where_the_last_one_is_lost(board: Board, clock: Clock) -> None:
    asked(board)
    claim = claimed(board)
    clock.now += 15
    board.cancel("s")
    assert video(board).status == "cancelled"
    assert not board.finish(claim, {})


# -- what is seen ----------------------------------------------------------------------------------------------------


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


# -- many at once ----------------------------------------------------------------------------------------------------


def test_threads_that_hammer_lose_nothing_and_share_nothing(opened: Opens) -> None:
    """Six workers, a web that asks for more and one that cancels: whoever holds a job holds it alone."""
    board = opened(Limits(running=4, session_running=2, attempts=99), None)
    held, most, faults, done = Counter[tuple[str, int]](), [0], list[str](), threading.Event()
    lock, begun = threading.Lock(), [0]

    def work(worker: str) -> None:
        while not done.is_set():
            claim = board.claim(worker)
            if claim is None:
                time.sleep(0.005)
                continue
            job = (claim.session, claim.n)
            with lock:
                held[job] += 1
                begun[0] += 1
                most[0] = max(most[0], held.total())
                if held[job] > 1:
                    faults.append(f"{job} is held twice")
                turn = begun[0]
            word = board.tell(claim, Live(percent=turn % 100))
            board.add_picture(claim, 0, b"x")
            with lock:
                held[job] -= 1
            said = board.cancelled(claim) if word is Word.CANCEL else board.give_back(claim) if turn % 5 == 0 else (
                board.finish(claim, {"url": worker})
            )  # fmt: skip
            if not said:
                faults.append(f"{job} was taken away")

    def ask() -> None:
        for number in range(12):
            asked(board, f"s{number}", 3, key=f"k{number}")
            if number % 4 == 0:
                board.cancel(f"s{number}")

    threads = [guarded(faults, work, f"w{number}") for number in range(6)] + [guarded(faults, ask)]
    until = time.monotonic() + 30
    while time.monotonic() < until and not faults:
        totals = board.counts().totals
        if totals.get("finished", 0) + totals.get("cancelled", 0) == 36:
            break
        time.sleep(0.02)
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert most[0] <= 4
    totals = board.counts().totals
    assert (totals["submitted"], totals["finished"] + totals["cancelled"], board.counts().queued) == (36, 36, 0)
    assert all(session.status in ("finished", "cancelled") for session in board.sessions(99))


def guarded(faults: list[str], function: Callable[..., None], *given: Any) -> threading.Thread:
    def run() -> None:
        try:
            function(*given)
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


WORKER = """
import os, sys
from pathlib import Path
from qmv.live.progress import Live
from qmv.service.queue.board import Limits
from qmv.service.queue.{kind}_board import {cls} as Kind
place, log = sys.argv[1:]
board = Kind(place if "://" in place else Path(place), Limits(session_running=0))
with open(log, "a", buffering=1) as out:
    while claim := board.claim(str(os.getpid())):
        print("claimed", claim.session, claim.n, claim.attempt, file=out)
        board.tell(claim, Live(percent=50.0))
        if board.finish(claim, {{"url": "u"}}):
            print("finished", claim.session, claim.n, claim.attempt, file=out)
"""


def test_processes_that_are_killed_lose_nothing(opened: Opens, kind: str, tmp_path: Path, redis: RedisServer) -> None:
    board = opened(Limits(session_running=0), None)
    for number in range(20):
        asked(board, f"s{number}", 10)
    code = WORKER.format(kind=kind, cls=type(board).__name__)
    place = redis.url if kind == "redis" else str(tmp_path / "state" / "state.sqlite")
    log = tmp_path / "log.txt"
    processes = [subprocess.Popen([sys.executable, "-c", code, place, str(log)], cwd=ROOT) for _ in range(3)]
    until = time.monotonic() + 30
    while time.monotonic() < until and (not log.exists() or log.read_text(encoding="utf-8").count("finished") < 20):
        time.sleep(0.01)
    os.kill(processes[0].pid, signal.SIGKILL)
    assert [process.wait(60) for process in processes] == [-signal.SIGKILL, 0, 0]
    said = Counter(tuple(line.split()) for line in log.read_text(encoding="utf-8").splitlines())
    assert set(said.values()) == {1}  # no job was claimed twice, none finished twice
    counts = board.counts()
    assert counts.queued == 0
    assert counts.totals["finished"] + counts.running == 200
    assert counts.running <= 1  # the killed one's, until its lease ends


# -- when the place is away ------------------------------------------------------------------------------------------


def test_redis_that_is_killed_keeps_everything(redis: RedisServer, clock: Clock) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE, clock)
    asked(board, count=2, key="k")
    claim = claimed(board)
    board.add_picture(claim, 0, b"jpeg")
    before = (board.session("s"), board.changes(0), board.counts())
    redis.kill()
    try:
        for call in (lambda: board.session("s"), lambda: board.claim("w"), lambda: board.tell(claim, Live())):
            with pytest.raises(Unavailable, match=rf"Redis at 127.0.0.1:{redis.port}") as away:
                call()
            assert redis.password not in str(away.value)
    finally:
        redis.start()
    assert (board.session("s"), board.changes(0), board.counts()) == before
    assert board.tell(claim, Live(percent=3)) is Word.GO_ON
    assert board.picture("s", 1, 0) == b"jpeg"
    board.close()


def test_redis_that_hangs_is_not_waited_for_long(redis: RedisServer) -> None:
    board = RedisBoard(redis.url, FREE)
    board.changes(0)
    redis.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="Timeout"):
            board.claim("w")
        assert time.monotonic() - began < 10  # 2 s, on a machine that is busy
    finally:
        redis.thaw()
    board.changes(0)
    board.close()


def test_a_wrong_password_is_told_without_it(redis: RedisServer) -> None:
    board = RedisBoard(redis.url.replace(redis.password, "tops3cretword"), FREE)
    with pytest.raises(Unavailable, match="invalid username-password") as told:
        board.counts()
    assert "tops3cretword" not in str(told.value)
    assert "tops3cretword" not in redacted("an address with tops3cretword in it")
    board.close()


@pytest.mark.parametrize("url", ["http://x", "redis://:tops3cret@host:port/0", "nonsense", ""])
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="REDIS_URL") as told:
        RedisBoard(url, FREE)
    assert "tops3cret" not in str(told.value)


def test_redis_that_forgets_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with redis_server(tmp_path, appendonly="no", maxmemory="50mb", **{"maxmemory-policy": "allkeys-lru"}) as server:
        board = RedisBoard(server.url, FREE)
        assert "appendonly yes" in board.warning()
        monkeypatch.setenv("REDIS_URL", server.url)
        check_all(ServiceSettings(outputs=str(tmp_path)))  # as the service does before it starts
        assert capsys.readouterr().err == f"warning: {board.warning()}\n"
        server.client.config_set("appendonly", "yes")
        assert "noeviction" in board.warning()
        server.client.config_set("maxmemory-policy", "noeviction")
        assert board.warning() == ""
        board.close()


@pytest.mark.parametrize("spoil", ["text", "folder", "empty folder"])
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "state.sqlite"
    if spoil == "text":
        path.write_bytes(b"no database " * 1000)
    elif spoil == "folder":
        path.mkdir()
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "state.sqlite"
    board = SqliteBoard(path, FREE)
    for call in (board.counts, lambda: board.claim("w"), lambda: asked(board)):
        with pytest.raises(Unavailable, match=r"queue .*state\.sqlite\): cannot be used"):
            call()


def holds(path: Path) -> sqlite3.Connection:
    """Another process that writes, and doesn't end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_others_that_write_are_not_waited_for_longer_than_is_told(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "state.sqlite", FREE, wait_s=0.2)
    before = asked(board)
    other = holds(board._file.path)
    for call in (lambda: asked(board, "t"), lambda: board.cancel("s"), lambda: board.claim("w")):
        with pytest.raises(Unavailable, match=r"others wrote for 0\.2 s; try again\.$"):
            call()
    assert board.session("s") == before  # who reads waits for nobody
    other.execute("ROLLBACK")
    other.close()
    assert asked(board, "t").status == "queued"
    board.close()


def test_waiting_for_others_that_write_stops_no_greenlet(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    SqliteBoard(path, FREE).counts()
    code = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent, sys; from pathlib import Path\n"
        "from qmv.service.queue.board import Limits, Unavailable\n"
        "from qmv.service.queue.sqlite_board import SqliteBoard\n"
        "board, turns = SqliteBoard(Path(sys.argv[1]), Limits(), wait_s=1.0), []\n"
        "def turn():\n"
        "    while True:\n"
        "        turns.append(board.counts())\n"
        "        gevent.sleep(0.01)\n"
        "gevent.spawn(turn)\n"
        "waiting = [gevent.spawn(board.cancel, 's') for _ in range(3)]\n"
        "gevent.joinall(waiting)\n"
        "assert all(isinstance(one.exception, Unavailable) for one in waiting)\n"
        "print(len(turns))"
    )
    other = holds(path)
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True)
    other.close()
    assert int(done.stdout) > 5, done.stderr  # where SQLite waits, there are 1 to 3


@pytest.mark.parametrize("becomes", ["nothing", "another"])
def test_a_file_that_is_gone_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str) -> None:
    monkeypatch.setattr(sqlite_file, "_LOOK_S", 0.0)
    board, path = SqliteBoard(tmp_path / "state.sqlite", FREE), tmp_path / "state.sqlite"
    asked(board)
    claim = claimed(board)
    saved = SqliteBoard(tmp_path / "saved.sqlite", FREE)
    asked(saved, "saved")
    saved.close()
    for file in tmp_path.glob("state.sqlite*"):
        file.unlink()
    if becomes == "another":
        (tmp_path / "saved.sqlite").rename(path)
    assert [session.id for session in board.sessions(9)] == (["saved"] if becomes == "another" else [])
    assert board.tell(claim, Live()) is Word.LOST
    new = asked(board, "new")
    board.close()
    after = SqliteBoard(path, FREE)  # it is on the disk
    assert after.session("new") == new
    after.close()


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


# -- what others spoil -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["{", "[]", '{"order": 1}', "null", '"x"', "[" * 100_000], ids=lambda text: text[:9])
def test_a_job_that_cannot_be_read_stops_no_other(opened: Opens, tmp_path: Path, redis: RedisServer, text: str) -> None:
    board = opened()
    asked(board, "bad", 2, priority=9)
    asked(board, "good")
    if isinstance(board, RedisBoard):
        redis.client.hset("qmv:session:bad", mapping={"1": text, "2": text})
        redis.client.hset("qmv:open", "odd", text)
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            db.execute("UPDATE jobs SET job = ? WHERE session = 'bad'", (text,))
        db.close()
    assert board.session("bad") is None
    assert [session.id for session in board.sessions(9)] == ["good"]
    assert board.finish(claimed(board), {})
    assert board.claim("w") is None
    assert board.cancel("bad") is None
    assert asked(board, "bad").status == "queued"
    assert claimed(board).session == "bad"


def test_a_running_job_that_cannot_be_read_any_more_is_put_aside(
    opened: Opens, clock: Clock, tmp_path: Path, redis: RedisServer
) -> None:
    board = opened()
    asked(board, "bad")
    claim = claimed(board)
    if isinstance(board, RedisBoard):
        redis.client.hset("qmv:session:bad", "1", "{")
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            db.execute("UPDATE jobs SET job = '{'")
        db.close()
    assert board.tell(claim, Live()) is Word.LOST
    clock.now += 15
    assert board.claim("w") is None
    assert (board.due(), board.counts().running) == (0, 0)


@pytest.mark.parametrize(
    "newer", [{"mood": "calm"}, {"song": None}, {"song": None, "songs": ["a.wav"]}], ids=["more", "less", "other"]
)
def test_what_a_newer_version_asked_for_waits_for_its_workers(
    opened: Opens, clock: Clock, tmp_path: Path, redis: RedisServer, newer: dict[str, Any]
) -> None:
    board = opened()
    asked(board, "theirs", priority=9)
    asked(board, "ours")
    mine = stored(board, redis, tmp_path)
    order = {name: value for name, value in {**mine["order"], **newer}.items() if value is not None}
    store(board, redis, tmp_path, {**mine, "order": order})
    ours = claimed(board)
    assert ours.session == "ours"
    clock.now += 1000
    assert claimed(board).session == "ours"
    assert board.claim("w") is None
    assert stored(board, redis, tmp_path)["order"] == order
    store(board, redis, tmp_path, mine)  # as if this were a worker of that version
    assert claimed(board).session == "theirs"


def test_what_a_newer_version_asked_for_is_kept_with_all_that_becomes_of_it(
    opened: Opens, clock: Clock, tmp_path: Path, redis: RedisServer
) -> None:
    board = opened()
    asked(board, "theirs")
    before = video(board, "theirs")
    claim = claimed(board)
    running = stored(board, redis, tmp_path)
    order = {**running["order"], "mood": "calm"}
    store(board, redis, tmp_path, {**running, "order": order})
    assert video(board, "theirs").status == "running"
    assert board.tell(claim, Live(percent=3)) is Word.GO_ON
    clock.now += 15
    assert board.claim("w") is None  # lost, and nobody here can make it
    board.cancel("theirs")
    assert board.retry("theirs") is not None
    assert (video(board, "theirs").status, board.claim("w")) == ("queued", None)
    assert video(board, "theirs").title == before.title
    assert stored(board, redis, tmp_path)["order"] == order


def stored(board: Board, redis: RedisServer, tmp_path: Path) -> dict[str, Any]:
    """The first job of the session `theirs`, as it is kept."""
    if isinstance(board, RedisBoard):
        text = redis.client.hget("qmv:session:theirs", "1")
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            text = db.execute("SELECT job FROM jobs WHERE session = 'theirs'").fetchone()[0]
        db.close()
    job: dict[str, Any] = json.loads(text)
    return job


def store(board: Board, redis: RedisServer, tmp_path: Path, job: dict[str, Any]) -> None:
    if isinstance(board, RedisBoard):
        redis.client.hset("qmv:session:theirs", "1", json.dumps(job))
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            db.execute("UPDATE jobs SET job = ? WHERE session = 'theirs'", (json.dumps(job),))
        db.close()


def test_what_another_version_added_is_left_out(redis: RedisServer) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE)
    before = asked(board)
    job = json.loads(redis.client.hget("qmv:session:s", "1"))
    job["video"]["live"]["mood"] = job["video"]["mood"] = job["mood"] = "new"
    redis.client.hset("qmv:session:s", "1", json.dumps(job))
    assert board.session("s") == before
    board.close()


# -- what other systems read and write -------------------------------------------------------------------------------


def test_the_session_keys_follow_each_step(redis: RedisServer, clock: Clock) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, Limits(keep_s=500), clock)

    def keys() -> list[str | None]:
        whats = ("status", "progress", "results", "error")
        return [redis.client.get(f"session:s:phase3_{what}") for what in whats]

    assert keys() == [None] * 4
    asked(board, count=2)
    assert keys() == ["queued", "0", "[]", ""]
    first, second = claimed(board), claimed(board)
    board.tell(first, Live(percent=41.0))
    assert keys() == ["running", "20", "[]", ""]
    board.finish(first, {"url": "u"})
    board.fail(second, "no such song.", again=False)
    assert keys() == [
        "failed", "50", json.dumps([{"n": 1, "title": "Song 1 ä", "url": "u"}]), "video 2: no such song.",
    ]  # fmt: skip
    assert 0 < redis.client.ttl("session:s:phase3_status") <= 500
    board.close()


def test_another_systems_phase_is_read_as_it_is(redis: RedisServer) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE)
    assert board.phases(["s", "t"]) == [{1: None, 2: None}] * 2
    redis.client.mset({
        "session:s:phase1_status": "done", "session:s:phase1_progress": "37.5",
        "session:s:phase1_results": '{"lyrics": ["ä"]}', "session:s:phase2_results": "not JSON",
        "session:s:phase2_progress": "[half]",
    })  # fmt: skip
    nothing, told = board.phases(["t", "s"])
    assert nothing == {1: None, 2: None}
    assert told[1] == {"status": "done", "progress": 37.5, "results": {"lyrics": ["ä"]}, "error": None}
    assert told[2] == {"status": None, "progress": "[half]", "results": "not JSON", "error": None}
    assert board.phases([]) == []
    board.close()


def test_a_file_knows_nothing_of_other_systems(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "state.sqlite", FREE)
    assert (board.phases(["s"]), board.warning()) == ([{1: None, 2: None}], "")


def test_the_settings_choose_the_place(tmp_path: Path, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServiceSettings(outputs=str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert isinstance(open_board(settings), SqliteBoard)
    monkeypatch.setenv("REDIS_URL", redis.url)
    assert isinstance(open_board(settings), RedisBoard)


# -- the server of these tests ---------------------------------------------------------------------------------------


def test_the_server_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tests.fakes.redis_server import redis_server\n"
        "with redis_server(Path(sys.argv[1])) as server:\n"
        "    print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    pid = int(done.stdout)
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
