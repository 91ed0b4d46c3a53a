"""One connection of the web's server: bounds what pywsgi leaves open, which is made for kinder surroundings.

A request has a time to arrive, a head that two servers could read in two ways is refused, a body is not read for the
sake of a refusal, and a client that takes nothing is left.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import socket
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import gevent
from gevent.pywsgi import Input, WSGIHandler

from qmv.service.web.problems import Problem

if TYPE_CHECKING:
    from qmv.service.web.serving import Server

__all__ = ["Connection"]

log = logging.getLogger("qmv.web")
_IDLE_S = 75.0  # between two requests of a connection, where there is room
_HEAD_S = 15.0  # for the first line and the headers, from their first byte on
_HEAD_BYTES = 65_536
_HEAD_LINES = 99  # as many as the parser behind it takes
# what RFC 9112 has; pywsgi drops all fields after one that it cannot read, the length of the body among them
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r?\n")
_STILL_S = 30.0  # without a byte of a body, or with a full line to a client; for the whole of a small body, too
_STARTS = "/api/phase3/start/"  # what may be long is sent here
_SLOWEST_BYTES_S = 20_000  # a song that comes more slowly holds a place too long
_LONGEST_S = 3600.0
_SHORT_BYTES = 64_000  # the rest of a refused body is read, and the connection goes on
_LINGER_S = 2.0  # in which a longer one is discarded, so that who sends it reads the refusal, be it a proxy
_DISCARDED_BYTES = 1 << 18  # at a time; a socket that always has more gives no other its turn
_DISCARD_EVERY_S = 0.005


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


class Connection(WSGIHandler):  # type: ignore[misc]
    """Of one client, with one request after the other."""

    server: Server
    wsgi_input: _Body

    def __init__(self, sock: Any, address: Any, server: Server, rfile: Any = None) -> None:
        with contextlib.suppress(OSError):  # head and body go in two pieces, and the second must not wait for an answer
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, address, server, rfile)
        self._head_until = 0.0

    def hang_up(self) -> None:
        """Ends one that waits for a request."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    # -- the head ----------------------------------------------------------------------------------------------------

    def read_requestline(self) -> str:
        self.socket.settimeout(_IDLE_S)
        with self.server.silence_of(self):
            if not self.rfile.peek(1):
                return ""
        self._head_until = time.monotonic() + _HEAD_S
        with self._head_in_time(TimeoutError()):  # which ends the connection without an answer
            line: str = super().read_requestline()
        return line

    def read_request(self, raw_requestline: str) -> bool:
        with self._head_in_time(ValueError("the headers came too slowly")):
            super().read_request(raw_requestline)
        coding, lengths = self.headers.get_all("transfer-encoding", []), self.headers.get_all("content-length", [])
        # two ways to read one body are how requests are smuggled past a proxy
        if coding and [part.lower() for part in coding] != ["chunked"]:
            raise ValueError("an unknown Transfer-Encoding")
        if len(lengths) > 1 or not all(length.isascii() and length.isdecimal() for length in lengths):
            raise ValueError("a Content-Length that is none")
        self.socket.settimeout(_STILL_S)
        return True

    def MessageClass(self, rfile: IO[bytes], seekable: int = 0) -> Any:  # noqa: N802  pywsgi's name
        return super().MessageClass(io.BytesIO(_fields(rfile)), seekable)

    def _head_in_time(self, error: Exception) -> gevent.Timeout:
        return gevent.Timeout(max(0.001, self._head_until - time.monotonic()), error)

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        proxies, peer = self.server.proxies, environ.get("REMOTE_ADDR", "")
        if proxies.has(peer):
            environ["REMOTE_ADDR"] = proxies.client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
            if environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower() == "https":
                environ["wsgi.url_scheme"] = "https"
        waits = self.socket if environ.get("HTTP_EXPECT", "").lower() == "100-continue" else None
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        body = _Body(self.rfile, self.content_length, waits, chunked)
        body.deadline = time.monotonic() + self._body_s(environ["PATH_INFO"], chunked)
        self.wsgi_input = environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        return environ

    def _body_s(self, path: str, chunked: bool) -> float:
        if not path.startswith(_STARTS):
            return _STILL_S
        most = self.server.most_bytes
        told = most if chunked else min(self.content_length or 0, most)
        return _STILL_S + min(told / _SLOWEST_BYTES_S, _LONGEST_S)

    # -- the answer --------------------------------------------------------------------------------------------------

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
        """Ends our side first, and takes what comes for a moment: else the client may never see its answer. nginx tells
        its own of a broken gateway when a connection ends that it still writes to."""
        with contextlib.suppress(OSError, gevent.Timeout), gevent.Timeout(_LINGER_S):
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(_DISCARDED_BYTES):
                gevent.sleep(_DISCARD_EVERY_S)

    def log_error(self, msg: str, *args: object) -> None:
        log.debug("a request cannot be read: %s", msg)

    def log_request(self) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %s", self.command, (self.path or "").partition("?")[0], self.code)


def _fields(rfile: IO[bytes]) -> bytes:
    """The headers with the empty line that ends them; raises ValueError for any that is none, and for too many."""
    lines: list[bytes] = []
    left = _HEAD_BYTES
    while (line := rfile.readline(left + 1)) not in (b"\r\n", b"\n"):
        left -= len(line)
        if left < 0 or len(lines) >= _HEAD_LINES or not _FIELD.fullmatch(line):
            raise ValueError("a header that is none, or too many")
        lines.append(line)
    return b"".join([*lines, b"\r\n"])
