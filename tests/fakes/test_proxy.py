"""The proxy that breaks what goes through it: each fault does what its name says, and a seed says which comes when."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.proxy import Proxy, proxy

BODY = os.urandom(300_000)
PATIENT = httpx.Timeout(60.0)


class Echo(ThreadingHTTPServer):
    """Answers with what it was sent; `came` has (method, path, body) of whole requests, `broken` counts the others."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echoes)
        self.came: list[tuple[str, str, bytes]] = []
        self.broken = threading.Semaphore(0)


class _Echoes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Echo

    def do_PUT(self) -> None:
        length, body = int(self.headers.get("Content-Length", 0)), b""
        with contextlib.suppress(ConnectionError):
            body = self.rfile.read(length)
        if len(body) < length:
            self.server.broken.release()
            self.close_connection = True
            return
        self.server.came.append((self.command, self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Path", self.path)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET = do_PUT  # noqa: N815  # the names are the server's

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def upstream() -> Iterator[Echo]:
    with Echo() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def through(upstream: Echo, tmp_path: Path) -> Any:
    """A proxy before the upstream, with a script, until the end of the block."""

    def started(name: str = "proxy", **script: Any) -> contextlib.AbstractContextManager[Proxy]:
        return proxy(tmp_path / name, upstream_port=upstream.server_port, **script)

    return started


def put(broken: Proxy, path: str = "/film", method: str = "PUT", timeout: Any = PATIENT) -> httpx.Response:
    return httpx.request(method, f"{broken.url}{path}", content=BODY, timeout=timeout)


def faults(broken: Proxy) -> list[str]:
    return [line["fault"] for line in broken.requests()]


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_without_a_fault_all_goes_through(upstream: Echo, through: Any) -> None:
    with through() as broken:
        answer = put(broken, "/a%20film?part=1")
        assert (answer.status_code, answer.content, answer.headers["X-Path"]) == (200, BODY, "/a%20film?part=1")
        assert upstream.came == [("PUT", "/a%20film?part=1", BODY)]
        [line] = broken.requests()
        assert line == {
            "method": "PUT", "path": "/a%20film?part=1", "fault": "", "status": 200, "sent_bytes": len(BODY),
        }  # fmt: skip
        assert (broken.sent_bytes(), broken.sent_bytes("GET")) == (len(BODY), 0)


def test_reset_breaks_before_the_whole_request_is_there(upstream: Echo, through: Any) -> None:
    with through(reset=1.0) as broken:
        with pytest.raises(httpx.TransportError):
            put(broken)
        assert upstream.broken.acquire(timeout=60)
        assert (upstream.came, faults(broken)) == ([], ["reset"])
        assert broken.sent_bytes() < len(BODY)


def test_lost_answer_is_that_of_a_request_that_arrived(upstream: Echo, through: Any) -> None:
    with through(lost=1.0) as broken:
        with pytest.raises(httpx.TransportError):
            put(broken)
        assert upstream.came == [("PUT", "/film", BODY)]
        assert faults(broken) == ["lost"]


def test_cut_answer_is_half_of_it(upstream: Echo, through: Any) -> None:
    with through(cut=1.0) as broken:
        came = bytearray()

        def read() -> None:
            with httpx.stream("PUT", f"{broken.url}/film", content=BODY, timeout=PATIENT) as answer:
                assert answer.headers["Content-Length"] == str(len(BODY))
                for piece in answer.iter_raw():
                    came.extend(piece)

        with pytest.raises(httpx.TransportError):
            read()
        assert len(came) <= len(BODY) // 2  # a reset may take what was on its way
        assert BODY.startswith(came)
        assert upstream.came == [("PUT", "/film", BODY)]


@pytest.mark.parametrize("retry_after_s", ["", "7"])
def test_unavailable_is_a_503_that_upstream_knows_nothing_of(upstream: Echo, through: Any, retry_after_s: str) -> None:
    with through(unavailable=1.0, retry_after_s=retry_after_s) as broken:
        answer = put(broken)
        assert (answer.status_code, answer.headers.get("Retry-After", "")) == (503, retry_after_s)
        assert (upstream.came, [line["status"] for line in broken.requests()]) == ([], [503])


def test_stall_does_nothing_and_then_breaks(upstream: Echo, through: Any) -> None:
    with through(stall=1.0, stall_s=0.1) as broken:
        with pytest.raises(httpx.TransportError):
            put(broken)
        assert (upstream.came, faults(broken)) == ([], ["stall"])


def test_drip_never_ends_and_no_byte_of_it_is_late(upstream: Echo, through: Any) -> None:
    """The client's own time for each byte is long, so that only the test ends it."""
    with through(drip=1.0, drip_s=0.01) as broken, httpx.Client(timeout=PATIENT) as client:
        over: list[Exception] = []

        def ask() -> None:
            try:
                client.put(f"{broken.url}/film", content=BODY)
            except Exception as error:
                over.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        until(lambda: bool(upstream.came))
        thread.join(0.5)
        assert (thread.is_alive(), over) == (True, [])
    thread.join(60)  # the proxy is gone
    assert isinstance(over[0], httpx.TransportError)
    assert upstream.came == [("PUT", "/film", BODY)]


def test_reset_after_so_many_bytes_comes_once(upstream: Echo, through: Any) -> None:
    with through(reset_after=(100_000,)) as broken:
        with pytest.raises(httpx.TransportError):
            put(broken)
        assert put(broken).content == BODY
        assert faults(broken) == ["reset", ""]
        assert 100_000 <= broken.requests()[0]["sent_bytes"] < len(BODY)


def test_hold_after_so_many_bytes_leaves_the_connection_open(upstream: Echo, through: Any) -> None:
    with through(hold_after=(len(BODY) + 100_000,)) as broken:
        assert put(broken).content == BODY
        with pytest.raises(httpx.ReadTimeout):
            put(broken, timeout=httpx.Timeout(60.0, read=1.0))
        until(lambda: faults(broken) == ["", "hold"])
        assert upstream.came == [("PUT", "/film", BODY)]


def test_only_the_methods_that_are_named_meet_faults(upstream: Echo, through: Any) -> None:
    with through(unavailable=1.0, methods=("PUT",)) as broken:
        assert [put(broken, method=method).status_code for method in ("GET", "PUT", "POST")] == [200, 503, 200]


def test_faults_of_a_seed_repeat_and_come_as_often_as_they_should(through: Any) -> None:
    def drawn(name: str, seed: int) -> list[str]:
        with through(name, seed=seed, unavailable=0.5) as broken, httpx.Client(timeout=PATIENT) as client:
            for _ in range(60):
                client.get(f"{broken.url}/film")
            return faults(broken)

    first, again, other = drawn("first", 1), drawn("again", 1), drawn("other", 2)
    assert first == again != other
    assert 15 <= first.count("unavailable") <= 45  # half of 60; another seed would have to be very odd


def test_wrong_word_in_a_script_is_an_error(through: Any) -> None:
    with pytest.raises(TypeError, match="reset_at"), through(reset_at=1):
        raise AssertionError("it began")
