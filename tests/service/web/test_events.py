from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.service.web.running import PATIENCE_S, Web, running

MANY = 1000


class Stream:
    """A listener, event by event: (name, id, data)."""

    def __init__(self, web: Web, session: str, **headers: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S)
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._socket.sendall(f"GET /api/phase3/events/{session} HTTP/1.0\r\nHost: localhost\r\n{more}\r\n".encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.head = list(iter(self._file.readline, b"\r\n"))

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        told: dict[str, str] = {}
        for line in self._file:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                told[name] = value
            elif "event" in told:
                yield told["event"], told.get("id", ""), told.get("data", "")
                told = {}

    def until(self, name: str) -> tuple[str, str]:
        """id and data of the next event of this name."""
        return next((number, data) for event, number, data in self if event == name)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_a_listener_hears_each_change_in_order_and_then_the_end(web: Web) -> None:
    claim = web.claimed("hear")
    stream = Stream(web, "hear")
    assert b"X-Accel-Buffering: no\r\n" in stream.head
    assert b"Content-Type: text/event-stream; charset=utf-8\r\n" in stream.head
    heard = []
    for percent in (10.0, 20.0, 30.0):
        web.tell(claim, percent)
        number, data = stream.until("status")
        while json.loads(data)["progress"] < percent:
            number, data = stream.until("status")
        heard.append((int(number), json.loads(data)["progress"]))
    assert [progress for _, progress in heard] == [10.0, 20.0, 30.0]
    assert heard == sorted(heard)
    assert data == web.get("/api/phase3/status/hear").body.decode().rstrip("\n")
    web.board.fail(claim, "song: is silent.", again=False)
    rest = [(event, data) for event, _, data in stream if event != "heartbeat"]
    assert [event for event, _ in rest] == ["status", "end"]
    assert json.loads(rest[0][1])["status"] == "failed"
    stream.close()


def test_who_comes_again_hears_only_what_is_newer(web: Web) -> None:
    claim = web.claimed("comes-again")
    first = Stream(web, "comes-again")
    number, _ = first.until("status")
    first.close()
    second = Stream(web, "comes-again", Last_Event_ID=number)
    assert [event for event, _, _ in (next(iter(second)), next(iter(second)))] == ["heartbeat", "heartbeat"]
    web.tell(claim, 50.0)
    newer, data = second.until("status")
    assert int(newer) > int(number)
    assert json.loads(data)["progress"] == 50.0
    second.close()
    web.board.fail(claim, "song: is silent.", again=False)
    third = Stream(web, "comes-again", Last_Event_ID=newer)
    assert [event for event, _, _ in third if event != "heartbeat"] == ["status", "end"]
    last = str(web.board.session("comes-again").version)  # type: ignore[union-attr]
    assert [event for event, _, _ in Stream(web, "comes-again", Last_Event_ID=last)] == ["end"]
    for odd in ("x", "-1", "9" * 400, ""):
        assert [event for event, _, _ in Stream(web, "comes-again", Last_Event_ID=odd)] == ["status", "end"]


def test_no_more_listen_than_are_allowed_and_a_place_is_freed(tmp_path: Path) -> None:
    with running(tmp_path, quick=True, listeners=2) as web:
        web.queue("few")
        streams = [Stream(web, "few") for _ in range(3)]
        assert [stream.status for stream in streams] == [200, 200, 503]
        assert any(line.startswith(b"Retry-After") for line in streams[2].head)
        assert web.ask("HEAD", "/api/phase3/events/few").status == 503
        streams[0].close()  # which is seen at one of the next beats
        until = time.monotonic() + PATIENCE_S
        while (again := Stream(web, "few")).status != 200:
            again.close()
            assert time.monotonic() < until
            time.sleep(0.1)
        assert b"qmv_listeners 2.0" in web.get("/metrics").body


def test_one_client_leaves_others_a_place(tmp_path: Path) -> None:
    with running(tmp_path, quick=True, listeners=4, proxies=("127.0.0.1",)) as web:
        web.queue("shared")
        names = ["192.0.2.1"] * 4 + ["192.0.2.2"] * 2
        streams = [Stream(web, "shared", X_Forwarded_For=name) for name in names]
        assert [stream.status for stream in streams] == [200, 200, 200, 503, 200, 503]
        for stream in streams:
            stream.close()


def test_a_stream_ends_with_the_server(tmp_path: Path) -> None:
    with running(tmp_path, quick=True) as web:
        web.queue("ends")
        stream = Stream(web, "ends")
        stream.until("status")
        web.process.terminate()
        assert "end" not in [event for event, _, _ in stream]  # it is to ask again
        assert web.process.wait(PATIENCE_S) == 0


def test_who_reads_nothing_holds_up_nobody(web: Web) -> None:
    claim = web.claimed("slow", "x" * 4000)
    deaf, alert = Stream(web, "slow"), Stream(web, "slow")
    for step in range(1, 40):
        web.tell(claim, float(step))
        web.get("/api/phase3/status/slow")
    while json.loads(alert.until("status")[1])["progress"] < 39.0:
        pass
    deaf.close()
    alert.close()


LATE = """
from gevent import monkey
monkey.patch_all(os=False, subprocess=False, signal=False)
import gevent
from qmv.service.web.events import Feed
from qmv.service.web.pages import Page

class Board:
    def changes(self, since):
        return 6, ["s"] if since < 6 else []

class Pages:
    asked = 0
    def page(self, session):
        self.asked += 1
        if self.asked > 1:
            return Page(version=6, body=b"{}", closed=True, made_at=0)
        gevent.sleep(0.2)  # the listener's own answer was made before the change, and comes after it
        return Page(version=5, body=b"{}", closed=False, made_at=0)

listener = Feed(Board(), Pages(), most=9, poll_s=0.05, heartbeat_s=0.2).listen("s", -1)
print(b"".join(next(listener, b"") for _ in range(3)).decode())
"""


def test_who_hears_of_the_end_first_is_told_nothing_older_afterwards() -> None:
    """In a process of its own, since gevent changes the whole one; a queue of two answers, for their order in time."""
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert [line for line in done.stdout.splitlines() if line.startswith(("id", "event"))] == [
        "id: 6", "event: status", "event: end",
    ]  # fmt: skip


@asynccontextmanager
async def listening(web: Web, session: str, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    opened = []
    try:
        for _ in range(count):
            opened.append(await asyncio.open_connection("127.0.0.1", web.port))
            request = f"GET /api/phase3/events/{session} HTTP/1.0\r\nHost: localhost\r\n\r\n"
            opened[-1][1].write(request.encode())
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


def test_a_thousand_hear_the_same(web: Web) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MANY + 2000), hard))
    claim = web.claimed("many")

    async def heard() -> list[bytes]:
        async with listening(web, "many", MANY) as readers:
            await asyncio.gather(*(reader.readuntil(b"event: status\n") for reader in readers))
            web.tell(claim, 77.0)
            await asyncio.gather(*(reader.readuntil(b'"progress":77.0') for reader in readers))
            web.board.fail(claim, "song: is silent.", again=False)
            return await asyncio.gather(*(reader.read() for reader in readers))

    try:
        ends = asyncio.run(asyncio.wait_for(heard(), 2 * PATIENCE_S))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(ends) == MANY
    assert all(end.endswith(b"event: end\ndata: {}\n\n") for end in ends)
    assert all(end.count(b'"status":"failed"') == 2 for end in ends)
