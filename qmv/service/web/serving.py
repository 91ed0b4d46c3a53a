"""Serves the web by gevent: bounds what pywsgi leaves open, which is made for kinder surroundings.

A request has a time to arrive, a body is not read for the sake of a refusal, and a client that takes nothing is left.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from flask import Flask
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import Input, WSGIHandler, WSGIServer

from qmv.errors import ConfigError, QmvError
from qmv.service.settings import ServiceSettings, log_to_stderr, open_board
from qmv.service.web.problems import Problem

if TYPE_CHECKING:
    from qmv.service.web.events import Feed

__all__ = ["Server", "main", "serve"]

log = logging.getLogger("qmv.web")
_IDLE_S = 75.0  # between two requests of a connection
_HEAD_S = 15.0  # for the first line and the headers, after their first byte
_STILL_S = 30.0  # without a byte of a body, or with a full line to a client
_SLOWEST_BYTES_S = 16_000  # a body that comes more slowly holds a place too long
_SHORT_BYTES = 64_000  # the rest of a refused body is read, and the connection goes on
_DISCARDED_BYTES = 1 << 20  # of a longer one, so that the client reads its refusal
_LINGER_S = 2.0
_STOP_S = 10.0
_QUEUE_S = 1.0  # that others may write into its file, before a request is told to come again
_MORE_CONNECTIONS = 1000  # besides those that listen


class _Body(Input):  # type: ignore[misc]
    """A body that must come until `deadline`."""

    __slots__ = ("deadline",)

    def read(self, length: int | None = None) -> bytes:
        return self._in_time(super().read, length)

    def readline(self, size: int | None = None) -> bytes:
        return self._in_time(super().readline, size)

    def _in_time(self, reads: Callable[[int | None], bytes], size: int | None) -> bytes:
        try:
            with gevent.Timeout(max(0.001, self.deadline - time.monotonic()), TimeoutError):
                return reads(size)
        except TimeoutError as error:
            raise Problem(408, "The request came too slowly; send it again over a better line.") from error

    def is_read(self) -> bool:
        if self.chunked_input:
            return bool(self.chunk_length == 0)
        return bool(self.position >= (self.content_length or 0))

    def is_short(self) -> bool:
        """Whether its rest is quicker read than the connection made anew."""
        is_waited_for = self.socket is not None  # Expect: 100-continue
        return not (self.chunked_input or is_waited_for) and (self.content_length or 0) - self.position <= _SHORT_BYTES

    def _discard(self) -> None:
        if self.is_short():
            with contextlib.suppress(Problem):
                super()._discard()


class _Handler(WSGIHandler):  # type: ignore[misc]
    """One connection."""

    server: Server
    wsgi_input: _Body

    def read_requestline(self) -> str:
        self.socket.settimeout(_IDLE_S)
        line: str = super().read_requestline()
        return line

    def read_request(self, raw_requestline: str) -> bool:
        with gevent.Timeout(_HEAD_S, ValueError("the headers came too slowly")):
            super().read_request(raw_requestline)
        coding, lengths = self.headers.get_all("transfer-encoding", []), self.headers.get_all("content-length", [])
        # two ways to read one body are how requests are smuggled past a proxy
        if coding and [part.lower() for part in coding] != ["chunked"]:
            raise ValueError("an unknown Transfer-Encoding")
        if len(lengths) > 1 or not all(length.isascii() and length.isdecimal() for length in lengths):
            raise ValueError("a Content-Length that is none")
        self.socket.settimeout(_STILL_S)
        return True

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        waits = self.socket if environ.get("HTTP_EXPECT", "").lower() == "100-continue" else None
        chunked, most = "HTTP_TRANSFER_ENCODING" in environ, self.server.most_bytes
        body = _Body(self.rfile, self.content_length, waits, chunked)
        size = most if chunked else min(self.content_length or 0, most)
        body.deadline = time.monotonic() + _STILL_S + size / _SLOWEST_BYTES_S
        self.wsgi_input = environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        return environ

    def finalize_headers(self) -> None:
        body = self.wsgi_input
        if self.server.is_ending or not (body.is_read() or body.is_short()):
            self.close_connection = True
            self.response_headers.append((b"Connection", b"close"))
        super().finalize_headers()

    def handle_one_response(self) -> None:
        self.server.busy += 1
        try:
            super().handle_one_response()
        finally:
            self.server.busy -= 1
        if not self.wsgi_input.is_read():
            self.close_connection = True
            self._drop_rest()

    def _drop_rest(self) -> None:
        """Ends our side first, and takes a little more: else the client may never see its answer."""
        with contextlib.suppress(OSError, gevent.Timeout), gevent.Timeout(_LINGER_S):
            self.socket.shutdown(socket.SHUT_WR)
            left = _DISCARDED_BYTES
            while left > 0 and (data := self.socket.recv(65536)):
                left -= len(data)

    def log_error(self, msg: str, *args: object) -> None:
        log.debug("a request cannot be read: %s", msg)

    def log_request(self) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %s", self.command, (self.path or "").partition("?")[0], self.code)


class Server(WSGIServer):  # type: ignore[misc]
    """Listens at the settings' address. `busy` requests are being answered."""

    handler_class = _Handler

    def __init__(self, app: Flask, settings: ServiceSettings) -> None:
        self.most_bytes = int(app.config["MAX_CONTENT_LENGTH"])
        self.busy, self.is_ending = 0, False
        self._feed: Feed = app.extensions["qmv.feed"]
        super().__init__(
            (settings.host, settings.port), app, log=None, error_log=None,
            spawn=Pool(settings.listeners + _MORE_CONNECTIONS), backlog=1024,
        )  # fmt: skip

    @property
    def url(self) -> str:
        host, port = self.address[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def end(self) -> None:
        """Takes no more connections, ends the streams, and leaves what is under way a moment."""
        self.is_ending = True
        self.close()
        self._feed.end()
        until = time.monotonic() + _STOP_S
        while self.busy and time.monotonic() < until:
            gevent.sleep(0.05)
        self.stop(timeout=0)


def serve(app: Flask, settings: ServiceSettings) -> None:
    """Until SIGTERM or SIGINT."""
    server = Server(app, settings)
    try:
        server.start()
    except OSError as error:
        raise ConfigError(
            f"QMV_SERVICE_PORT: {settings.host}:{settings.port} cannot be listened at ({error.strerror or error}); "
            "end what uses it, or choose another one."
        ) from error
    stopped = Event()
    for name in ("SIGTERM", "SIGINT"):
        gevent.signal_handler(getattr(signal, name), stopped.set)
    print(f"listening on {server.url}", flush=True)
    stopped.wait()
    server.end()


def main() -> int:
    """The web process of the service; its settings come from the environment."""
    from qmv.service.checks import check_door
    from qmv.service.web.app import create_app

    try:
        log_to_stderr("web")
        settings = ServiceSettings.read()
        check_door(settings)
        _allow_many_files()
        board = open_board(settings, wait_s=_QUEUE_S)
        try:
            serve(create_app(settings, board), settings)
        finally:
            board.close()
    except QmvError as error:
        from qmv.engine.secrets import redacted

        print(redacted(f"error: {error}"), file=sys.stderr)
        return 1
    return 0


def _allow_many_files() -> None:
    """A listener is an open file, and systems allow 1024 unless they are asked."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
