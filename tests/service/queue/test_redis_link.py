"""What was done, and whose answer was lost on its way, is done once and told as done."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qmv.engine.secrets import forget_old_texts, redacted
from qmv.engine.song_addresses import check_address
from qmv.live.progress import Live
from qmv.service.queue.board import Limits, Refused, Word
from qmv.service.queue.jobs import Order
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.redis_link import RedisLink
from tests.fakes.redis_server import RedisServer, redis_server

ORDER = Order(song="a.mp3", title="A", style="neon")


class Way(socketserver.ThreadingTCPServer):
    """Leads to Redis; with `loses` the next transaction arrives, and its answer doesn't; with `delays` the connection
    stays, and nothing comes by it any more. `meanwhile` is done when the answer is lost."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.leads_to, self.loses, self.delays = ("127.0.0.1", port), False, False
        self.meanwhile: Callable[[], object] = lambda: None


class _Passage(socketserver.BaseRequestHandler):
    server: Way

    def handle(self) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self.server.leads_to) as there:
            ends = {self.request: there, there: self.request}
            losing = False
            while True:
                for end in select.select([*ends], [], [])[0]:
                    data = end.recv(1 << 16)
                    if losing and data and end is there:
                        self.server.meanwhile()
                    if losing and data and end is there and self.server.delays:
                        continue
                    if not data or (losing and end is there):
                        return
                    if self.server.loses and end is self.request and b"EXEC" in data:
                        self.server.loses, losing = False, True
                    ends[end].sendall(data)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def _patient() -> None:
    """No more than users have: an answer that is late is what is looked at here."""


@pytest.fixture
def way(redis: RedisServer) -> Iterator[Way]:
    redis.client.flushall()
    with Way(redis.port) as way:
        thread = threading.Thread(target=way.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield way
        way.shutdown()
        thread.join()


@pytest.fixture
def now() -> list[float]:
    return [1_800_000_000.0]


@pytest.fixture
def board(way: Way, redis: RedisServer, now: list[float]) -> Iterator[RedisBoard]:
    url = redis.url.replace(f":{redis.port}", f":{way.server_address[1]}")
    board = RedisBoard(url, Limits(), lambda: now[0])
    yield board
    board.close()


@pytest.fixture
def other(redis: RedisServer, now: list[float]) -> Iterator[RedisBoard]:
    """Another machine's way to the same queue, which loses nothing."""
    board = RedisBoard(redis.url, Limits(), lambda: now[0])
    yield board
    board.close()


def test_a_session_is_begun_by_who_began_it(board: RedisBoard, way: Way) -> None:
    way.loses = True
    session, began = board.submit("s", [ORDER] * 2, digest="d", key="k")
    assert (began, len(session.videos), way.loses) == (True, 2, False)
    assert board.counts().totals == {"submitted": 2}
    assert board.submit("s", [ORDER] * 2, digest="d", key="k") == (session, False)


def test_a_claim_is_given_to_who_made_it(board: RedisBoard, way: Way, now: list[float]) -> None:
    board.submit("s", [ORDER] * 2, digest="d")
    way.loses = True
    claim = board.claim("w")
    assert (claim is not None and (claim.n, claim.attempt), way.loses) == ((1, 1), False)
    assert (board.counts().running, board.due()) == (1, 1)
    now[0] += 10
    assert claim is not None
    assert board.tell(claim, Live()) is Word.GO_ON
    now[0] += 10
    second = board.claim("w")
    assert second is not None
    assert (second.n, board.counts().totals.get("lost")) == (2, None)


def test_a_claim_whose_answer_is_late_is_given_to_who_made_it(board: RedisBoard, way: Way) -> None:
    board.submit("s", [ORDER] * 2, digest="d")
    way.loses = way.delays = True
    claim = board.claim("w")
    assert (claim is not None and (claim.n, claim.attempt), way.loses) == ((1, 1), False)
    assert (board.counts().running, board.due()) == (1, 1)


def test_a_job_that_lost_its_worker_still_waits(board: RedisBoard, way: Way, now: list[float]) -> None:
    board.submit("s", [ORDER], digest="d")
    board.claim("gone")
    now[0] += 15
    way.loses = True
    claim = board.claim("w")
    assert (claim is not None and claim.attempt, way.loses, board.counts().totals["lost"]) == (2, False, 1)


def test_what_was_queued_anew_is_counted(board: RedisBoard, way: Way) -> None:
    board.submit("s", [ORDER] * 2, digest="d")
    board.cancel("s")
    way.loses = True
    assert board.retry("s") == (board.session("s"), 2)
    assert (way.loses, board.counts().queued) == (False, 2)
    assert board.retry("s") == (board.session("s"), 0)


def test_what_was_cancelled_is_counted(board: RedisBoard, way: Way) -> None:
    board.submit("s", [ORDER] * 2, digest="d")
    board.claim("w")
    way.loses = True
    assert board.cancel("s") == (board.session("s"), 2)
    assert not way.loses
    assert board.cancel("s") == (board.session("s"), 0)


def test_what_was_queued_anew_is_counted_though_a_worker_has_it_by_now(
    board: RedisBoard, other: RedisBoard, way: Way
) -> None:
    board.submit("s", [ORDER] * 2, digest="d")
    board.cancel("s")
    way.loses, way.meanwhile = True, lambda: other.claim("w")
    assert board.retry("s") == (board.session("s"), 2)
    assert (way.loses, board.counts().queued, board.counts().running) == (False, 1, 1)


def test_what_was_cancelled_is_counted_by_no_other_call(board: RedisBoard, other: RedisBoard, way: Way) -> None:
    board.submit("s", [ORDER] * 2, digest="d")
    board.claim("w")
    told = list[Any]()
    way.loses, way.meanwhile = True, lambda: told.append(other.cancel("s"))
    assert board.cancel("s") == (board.session("s"), 2)
    assert (way.loses, told) == (False, [(board.session("s"), 0)])


@pytest.mark.parametrize("call", ["cancel", "retry"])
def test_what_another_call_was_quicker_to_do_is_its_own(
    redis: RedisServer, other: RedisBoard, now: list[float], call: str
) -> None:
    """It comes between what this one read and what it wants to write."""
    redis.client.flushall()
    other.submit("s", [ORDER] * 3, digest="d")
    other.claim("w") if call == "cancel" else other.cancel("s")
    told = list[Any]()

    def clock() -> float:
        if not told:
            told.append(None)
            told[0] = getattr(other, call)("s")
        return now[0]

    board = RedisBoard(redis.url, Limits(), clock)
    assert getattr(board, call)("s") == (other.session("s"), 0)
    assert told == [(other.session("s"), 3)]
    board.close()


@pytest.mark.parametrize("end", ["finish", "fail", "give_back"])
def test_an_end_is_told_once(board: RedisBoard, way: Way, end: str) -> None:
    board.submit("s", [ORDER], digest="d")
    claim = board.claim("w")
    given: dict[str, tuple[Any, dict[str, Any]]] = {
        "finish": (({"url": "u"},), {}), "fail": (("no song.",), {"again": False}), "give_back": ((), {}),
    }  # fmt: skip
    way.loses = True
    assert getattr(board, end)(claim, *given[end][0], **given[end][1])
    assert not way.loses
    assert board.counts().totals.get("failed", 0) + board.counts().totals.get("finished", 0) == (end != "give_back")


@pytest.mark.parametrize("changes", [0, 1, 3])
def test_nothing_is_refused_by_what_others_change_meanwhile(redis: RedisServer, changes: int) -> None:
    """What was read before and after a change of theirs does not belong together."""
    link, values = RedisLink(redis.url), list[bytes]()
    redis.client.set("watched", "0")

    def step(pipe: Any) -> None:
        values.append(pipe.get("watched"))
        if len(values) <= changes:
            redis.client.incr("watched")
        raise Refused("open", f"it is {values[-1].decode()}.")

    with pytest.raises(Refused, match=f"it is {changes}"):
        link.change(["watched"], step)
    assert len(values) == changes + 1
    link.close()


def test_a_password_stays_hidden_however_many_songs_come() -> None:
    RedisBoard("redis://:long-own-password@127.0.0.1:1/0", Limits()).close()
    for n in range(3):
        check_address(f"https://host/song.mp3?signature=0123456789abcdef{n}")
    forget_old_texts(1)
    assert "long-own-password" not in redacted("the address has long-own-password in it")
