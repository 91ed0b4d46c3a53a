from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from qmv.service.web.connections import Connection
from tests.service.web.running import PATIENCE_S, Web, running

HOST = b"Host: localhost\r\n"
START = b"POST /api/phase3/start/raw HTTP/1.1\r\n" + HOST


def test_a_body_that_claims_ten_gigabytes_is_refused_before_it_is_read(web: Web) -> None:
    for kind in (b"multipart/form-data; boundary=x", b"application/json"):
        head = START + b"Content-Type: " + kind + b"\r\nContent-Length: 10000000000\r\n"
        for more in (b"", b"Expect: 100-continue\r\n"):
            answer = web.raw(head + more + b"\r\n")
            assert answer.status == 413
            assert answer.detail
            assert answer.headers["connection"] == "close"


def test_a_body_without_a_length_is_bounded(web: Web) -> None:
    head = START + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = web.raw(head, *[piece] * 17)
    assert answer.status == 413
    assert web.raw(head, b"2\r\n{}\r\n0\r\n\r\n").status == 400
    assert web.raw(START + b"Content-Type: application/json\r\n\r\n").status == 400


@pytest.mark.parametrize(
    "head",
    [b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
     b"Content-Length: 2\r\nContent-Length: 3\r\n", b"Content-Length: -1\r\n", b"Content-Length: +2\r\n",
     b"Content-Length: 1_0\r\n", b"Content-Length: x\r\n", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"],
)  # fmt: skip
def test_bodies_of_two_readings_are_refused(web: Web, head: bytes) -> None:
    assert web.raw(START + b"Content-Type: application/json\r\n" + head + b"\r\n{}").status == 400


def test_a_refused_body_leaves_the_connection_as_it_should_be(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) as connection:
        for _ in range(2):  # short: read, and the connection goes on
            connection.sendall(b"POST /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello")
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert (response.status, bool(response.read())) == (404, True)


def test_who_sends_all_of_a_refused_body_reads_the_refusal(guarded: Web) -> None:
    """As proxies and most libraries do, which look for an answer when they have sent everything."""
    form = b"Content-Type: multipart/form-data; boundary=x\r\n"
    for _ in range(5):  # what fits into the system's buffers is no matter of time
        answer = guarded.raw(START + form + b"Content-Length: 12000000\r\n\r\n", bytes(12_000_000))
        assert answer.status == 401


@pytest.mark.parametrize(
    "line", [b"\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff" * 100 + b"\r\n\r\n"]
)
def test_what_is_no_http_is_refused(web: Web, line: bytes) -> None:
    assert web.raw(line).status == 400
    assert web.get("/healthz").status == 200


def test_header_fields_in_mass_are_refused(web: Web) -> None:
    assert web.raw(b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 500 + b"\r\n").status == 400
    assert web.raw(b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 100_000 + b"\r\n\r\n").status == 400


@pytest.mark.parametrize(
    "field",
    [b"Foo : x", b"nocolon", b"X-\xe9: x", b": x", b"X: a\rY: b", b"X: a\r\rb: c", b"X: a\0b", b"X: a\r\n folded"],
    ids=repr,
)
def test_no_field_is_dropped_for_another_that_is_none(web: Web, field: bytes) -> None:
    """A server that forgets a body's length takes the body for the next request."""
    inner = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(inner)
    with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\n" + HOST + field + b"\r\n" + length + inner)
        answers = until_its_end(connection)
    assert answers.startswith(b"HTTP/1.1 400")
    assert answers.count(b"HTTP/1.1") == 1


_HURRIED = (
    "from gevent import monkey; monkey.patch_all(os=False, subprocess=False, signal=False)\n"
    "from qmv.service.web import connections, serving\n"
    "{}\n"
    "raise SystemExit(serving.main())\n"
)


def until_its_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def _drips_to_its_end(connection: socket.socket) -> bool:
    for _ in range(300):
        try:
            connection.recv(100)
            return True
        except TimeoutError:
            connection.sendall(b"E")
        except OSError:
            return True
    return False


def test_a_head_that_drips_is_given_up(tmp_path: Path) -> None:
    """Each byte comes within the time of a read, and the whole never does."""
    with running(tmp_path, code=_HURRIED.format("connections._HEAD_S = 0.5")) as web:
        for begun in (b"", b"GET / HTTP/1.1\r\n" + HOST):
            with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) as connection:
                connection.sendall(begun or b"G")
                connection.settimeout(0.1)
                assert _drips_to_its_end(connection)


def test_who_says_nothing_makes_room_when_places_are_rare(tmp_path: Path) -> None:
    small = "serving._SILENT_S, serving._LOOKS_EVERY_S, serving._MORE_CONNECTIONS = 0.2, 0.1, 0"
    with running(tmp_path, code=_HURRIED.format(small), listeners=2, connections=4) as web:
        silent = [socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) for _ in range(4)]
        assert [until_its_end(connection) for connection in silent[:1]] == [b""]
        assert web.get("/healthz").status == 200
        for connection in silent:
            connection.close()


def test_no_client_has_all_connections(tmp_path: Path) -> None:
    with running(tmp_path, listeners=2, connections=3, host="0.0.0.0", local=True) as web:
        held = [socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) for _ in range(3)]
        refused = web.get("/healthz")
        assert refused.status == 503
        assert "Too many connections" in refused.detail
        other = http.client.HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE_S, source_address=("127.0.0.2", 0))
        other.request("GET", "/healthz")
        assert other.getresponse().status == 200
        other.close()
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("path", "length", "chunked", "seconds"),
    [("/api/login", 20_000_000_000, False, 30.0), ("/api/login", None, True, 30.0),
     ("/api/phase3/start/x", 2_000_000, False, 130.0), ("/api/phase3/start/x", None, True, 3630.0),
     ("/api/phase3/start/x", 10**15, False, 3630.0)],
)  # fmt: skip
def test_a_body_has_the_time_that_its_length_needs(
    path: str, length: int | None, chunked: bool, seconds: float
) -> None:
    connection = Connection.__new__(Connection)
    connection.content_length, connection.server = length, SimpleNamespace(most_bytes=2_000_000_000)  # type: ignore[assignment]
    assert connection._body_s(path, chunked) == seconds


def test_an_answer_is_sent_at_once() -> None:
    """Its second piece is not held back until the first is acknowledged, which takes a client 40 ms."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        taken, address = listening.accept()
        with taken:
            Connection(taken, address, None)  # type: ignore[arg-type]
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_body_that_drips_is_given_up(tmp_path: Path) -> None:
    with running(tmp_path, code=_HURRIED.format("connections._STILL_S = 0.5")) as web:
        head = START + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        answer = web.raw(head)
        assert answer.status == 408
        assert answer.detail
        with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) as connection:
            connection.sendall(b"POST /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 90\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 404"
            while connection.recv(65536):
                pass


def test_nothing_that_was_asked_is_logged(tmp_path: Path) -> None:
    with running(tmp_path, token="a long random text") as web:
        web.get("/api/sessions?limit=7&secret=hidden", Authorization="Bearer a long random text")
        web.get("/api/sessions?secret=hidden", Authorization="Bearer wrong one")
        web.raw(b"GET /?hidden \x00 HTTP/1.1\r\n\r\n")
    assert web.logged() == ""


def test_a_request_that_is_under_way_ends_before_the_server_does(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        body = b'{"songs": ["https://example.com/a.mp3"]}'
        head = START + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) as connection:
            connection.sendall(head + body[:5])
            assert web.get("/healthz").status == 200  # what came before has been taken up
            web.process.send_signal(signal.SIGTERM)
            connection.sendall(body[5:])
            assert connection.recv(12) == b"HTTP/1.1 202"
        assert web.process.wait(PATIENCE_S) == 0


def test_a_port_in_use_is_told_in_a_sentence(web: Web, tmp_path: Path, environment: dict[str, str]) -> None:
    ours = {"QMV_SERVICE_PORT": str(web.port), "QMV_SERVICE_OUTPUTS": str(tmp_path)}
    command = [sys.executable, "-m", "qmv.service.web"]
    ended = subprocess.run(command, env=environment | ours, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: QMV_SERVICE_PORT: 127.0.0.1:{web.port} cannot be listened at")
    ours = {"QMV_SERVICE_HOST": "0.0.0.0", "QMV_SERVICE_OUTPUTS": str(tmp_path)}
    ended = subprocess.run(command, env=environment | ours, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "QMV_SERVICE_TOKEN" in ended.stderr
