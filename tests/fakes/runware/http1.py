"""As much of HTTP/1.1 as the fake needs, on asyncio's streams, where a connection can also be reset or left hanging."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

__all__ = ["Answer", "HungUp", "Request", "Response", "json_response", "reset", "serve_connection"]


class HungUp(Exception):
    """Ends the connection without an answer; whoever raises it has done to the connection what was to be done."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def reset(self) -> None:
        reset(self.writer.transport)
        raise HungUp

    async def leave_hanging(self) -> None:
        """Answers nothing until the other side gives up."""
        while await self.reader.read(4096):
            pass
        raise HungUp


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer; `cut` sends half of its body and resets the connection."""

    status: int = 200
    body: bytes = b""
    type: str = "text/html; charset=utf-8"
    cut: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def head(self) -> bytes:
        fixed = {"Content-Type": self.type, "Content-Length": str(len(self.body))}
        named = "".join(f"{name}: {value}\r\n" for name, value in (fixed | self.headers).items())
        return f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n{named}\r\n".encode("latin-1")


Answer = Callable[[Request], Awaitable[Response]]


def json_response(value: Any, status: int = 200) -> Response:
    return Response(status=status, body=json.dumps(value).encode(), type="application/json")


def reset(transport: asyncio.BaseTransport) -> None:
    """Ends a connection as a crash does: by a reset, with what was not sent yet thrown away."""
    found = transport.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    """Answers the requests of one connection until either side has enough."""
    try:
        while request := await _read(reader, writer):
            response = await answer(request)
            if response.cut:
                writer.write(response.head() + response.body[: len(response.body) // 2])
                await writer.drain()
                await asyncio.sleep(0.05)  # so that the half arrives; a reset throws away what is under way
                request.reset()
            writer.write(response.head() + (b"" if request.method == "HEAD" else response.body))
            await writer.drain()
            if request.headers.get("connection", "").lower() == "close":
                break
    except (HungUp, ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass  # ValueError: a line that is too long, or no HTTP at all
    except asyncio.CancelledError:
        pass  # the whole service ends; asyncio's streams would print it as a failure
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    first = (await reader.readline()).decode("latin-1").split()
    if not first:
        return None
    method, target, _version = first
    headers = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method=method, path=target, headers=headers, body=body, reader=reader, writer=writer)
