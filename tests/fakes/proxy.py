"""A proxy for HTTP that breaks what goes through it, by a seed or at given bytes, in a process of its own.

    with proxy(folder, upstream_port=port, seed=1, reset=0.1) as broken: ...    # broken.url, broken.requests()

It knows nothing of what it carries, so any store's client can be pointed at it. Bodies go through in pieces. It is
also `python -m tests.fakes.proxy FOLDER`, with a line of JSON on stdin: its script.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from tests.fakes.serving import Answering, append, lines, serve, started

__all__ = ["Proxy", "Script", "proxy"]

_PIECE_BYTES = 64 << 10
_UPSTREAM_S = 120
_OWN = ("connection", "keep-alive", "transfer-encoding")


@dataclass(frozen=True, kw_only=True)
class Script:
    """Where requests go, and what happens to them. Rates are shares of all requests; those of the same number in the
    order of their coming meet the same fault, whatever else happens."""

    upstream_port: int
    upstream_host: str = "127.0.0.1"
    seed: int = 0
    reset: float = 0.0  # the connection breaks before the whole request is there; upstream sees it break, too
    lost: float = 0.0  # the request arrives, the answer does not
    cut: float = 0.0  # half of the answer arrives
    unavailable: float = 0.0  # 503, and upstream sees nothing
    stall: float = 0.0  # nothing happens for `stall_s`, then the connection breaks
    stall_s: float = 1.0
    drip: float = 0.0  # the request arrives; of the answer's head comes a byte each `drip_s`, and never its end
    drip_s: float = 0.05
    retry_after_s: str = ""  # the header Retry-After of each 503
    methods: tuple[str, ...] = ()  # only to these; empty: to all
    reset_after: tuple[int, ...] = ()  # once each: when so many bytes of request bodies went through in all
    hold_after: tuple[int, ...] = ()  # the same; the connection stays open, and nothing happens any more


# -- the test's side -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy that runs."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[dict[str, Any]]:
        """What went through so far, each with method, path, fault ('' for none), status (0 where none was given) and
        sent_bytes, what of its body upstream was sent."""
        return lines(self.folder / "requests.jsonl")

    def sent_bytes(self, method: str = "PUT") -> int:
        """How many bytes of bodies upstream was sent by a method."""
        return sum(line["sent_bytes"] for line in self.requests() if line["method"] == method)


@contextlib.contextmanager
def proxy(folder: Path, **script: Any) -> Iterator[Proxy]:
    """Runs a proxy until the end of the block; the script's fields are those of `Script`."""
    with started("tests.fakes.proxy", folder, asdict(Script(**script))) as process:
        yield Proxy(port=process.port, folder=folder)


# -- the proxy's side ------------------------------------------------------------------------------------------------


class _Broken(Exception):
    """The request goes no further: 'reset' or 'hold'."""


class _Passing(Answering):
    """One connection."""

    script: ClassVar[Script]
    log: ClassVar[Path]
    count: ClassVar[int] = 0
    total_bytes: ClassVar[int] = 0
    points: ClassVar[list[tuple[int, str]]]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._pass
        raise AttributeError(name)

    def _pass(self) -> None:
        fault, chance = self._fault()
        self._line = {"method": self.command, "path": self.path, "fault": fault, "status": 0, "sent_bytes": 0}
        try:
            if fault == "unavailable":
                self._unavailable()
            elif fault == "stall":
                self._note()
                threading.Event().wait(self.script.stall_s)
                self.reset()
            else:
                self._forward(fault, chance)
        except _Broken as broken:
            self._note(fault=str(broken))
            self.hang() if str(broken) == "hold" else self.reset()
        except OSError as error:
            self._note(fault=f"{fault} {error}".strip())
            self.reset()

    def _fault(self) -> tuple[str, random.Random]:
        with self.lock:
            number = type(self).count = self.count + 1
        chance = random.Random(f"{self.script.seed}-{number}")
        drawn = chance.random()
        if self.script.methods and self.command not in self.script.methods:
            return "", chance
        for name in ("reset", "lost", "cut", "unavailable", "stall", "drip"):
            drawn -= getattr(self.script, name)
            if drawn < 0:
                return name, chance
        return "", chance

    def _unavailable(self) -> None:
        more = {"Retry_After": self.script.retry_after_s} if self.script.retry_after_s else {}
        for _ in self._body():
            pass
        self._note(status=503)
        self.reply(b"unavailable", 503, "text/plain", **more)

    def _forward(self, fault: str, chance: random.Random) -> None:
        upstream = http.client.HTTPConnection(
            self.script.upstream_host, self.script.upstream_port, timeout=_UPSTREAM_S, blocksize=_PIECE_BYTES
        )
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OWN:
                    upstream.putheader(name, value)
            upstream.endheaders()
            length = int(self.headers.get("Content-Length", 0))
            self._send(upstream, chance.randrange(length + 1) if fault == "reset" else None)
            self._answer(upstream.getresponse(), fault)
        except (_Broken, OSError):  # also where the client went away, as one that was killed does
            with contextlib.suppress(OSError):
                self._abort(upstream)
            raise
        finally:
            upstream.close()

    def _send(self, upstream: http.client.HTTPConnection, breaks_at: int | None) -> None:
        for piece in self._body():
            if breaks_at is not None and self._line["sent_bytes"] + len(piece) >= breaks_at:
                raise _Broken("reset")
            upstream.send(piece)
            self._line["sent_bytes"] += len(piece)
            with self.lock:
                type(self).total_bytes += len(piece)
                if self.points and self.total_bytes >= self.points[0][0]:
                    raise _Broken(self.points.pop(0)[1])
        if breaks_at is not None:
            raise _Broken("reset")

    def _answer(self, answer: http.client.HTTPResponse, fault: str) -> None:
        self._note(status=answer.status)
        if fault == "lost":
            answer.read()
            self.reset()
            return
        if fault == "drip":
            answer.read()
            self._drip(answer.status)
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        if answer.length is None and self.command != "HEAD":  # its end is the end of the connection
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        left = (answer.length or 0) // 2 if fault == "cut" else None
        while piece := answer.read(_PIECE_BYTES if left is None else min(_PIECE_BYTES, left)):
            self.wfile.write(piece)
            left = None if left is None else left - len(piece)
        if fault == "cut":
            self.reset()

    def _drip(self, status: int) -> NoReturn:
        """Ends with the client's patience."""
        self.wfile.write(f"HTTP/1.1 {status} Slow\r\nX-Slow: ".encode())
        while True:
            self.wfile.write(b"x")
            threading.Event().wait(self.script.drip_s)

    def _body(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self.rfile.read(min(_PIECE_BYTES, left))
            if not piece:
                raise ConnectionResetError("the client went away")
            left -= len(piece)
            yield piece

    def _abort(self, upstream: http.client.HTTPConnection) -> None:
        """Breaks the connection to upstream as well, so that half a body is not taken for a whole one."""
        if upstream.sock is not None:
            upstream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            upstream.sock.close()

    def _note(self, **more: Any) -> None:
        with self.lock:
            append(self.log, self._line | more)


def _handler(folder: Path, script: dict[str, Any]) -> type[Answering]:
    made = Script(**{name: tuple(value) if isinstance(value, list) else value for name, value in script.items()})
    points = sorted([(at, "reset") for at in made.reset_after] + [(at, "hold") for at in made.hold_after])
    return type("Passing", (_Passing,), {"script": made, "log": folder / "requests.jsonl", "points": points})


if __name__ == "__main__":
    serve(_handler)
