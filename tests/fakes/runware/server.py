"""The whole service in one event loop: its two doors, which can be shut for a while, and one for whoever directs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import serve

from tests.fakes.runware.http1 import Request, Response, json_response, reset, serve_connection
from tests.fakes.runware.script import Script
from tests.fakes.runware.service import Service
from tests.fakes.runware.web import Web
from tests.fakes.runware.websocket import Links

__all__ = ["Server"]

HOST = "127.0.0.1"


class Server:
    """Serves a script from a folder."""

    def __init__(self, folder: Path, script: Script, port: int = 0, http_port: int = 0) -> None:
        self.service = Service(folder, script)
        self.links, self.web = Links(self.service), Web(self.service)
        # Bound and never listening: both ports stay ours while their doors are shut, and connections are refused.
        self._kept = [_bound(port), _bound(http_port)]
        self._ports = [kept.getsockname()[1] for kept in self._kept]
        self._doors: list[WebSocketServer | asyncio.Server] = []
        self._opening: asyncio.Task[None] | None = None
        self._downs = 0
        self._ended = asyncio.Event()

    async def run(self, parent_alive: Any) -> None:
        """Serves until it is told to end, or until its parent is gone."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        await self._open()
        control = await asyncio.start_server(self._serve_control, HOST, 0)
        port, http_port = self._ports
        addresses = {
            "url": f"ws://{HOST}:{port}/v1",
            "rest_url": f"http://{HOST}:{http_port}/v1",
            "control_port": control.sockets[0].getsockname()[1],
        }
        print(json.dumps(addresses), flush=True)
        while parent_alive() and not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 0.2)
        await self._shut()
        control.close()
        self.service.ledger.close()

    # -- doors -------------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        port, http_port = self._ports
        self.service.images = f"http://{HOST}:{http_port}/image/"
        quiet: dict[str, Any] = {"ping_interval": None, "max_size": None, "compression": None, "close_timeout": 1}
        self._doors.append(await serve(self.links.serve, HOST, port, reuse_address=True, **quiet))
        self._doors.append(await asyncio.start_server(self.web.serve, HOST, http_port, reuse_address=True))

    async def _shut(self) -> None:
        """Closes the listening sockets and resets what is connected; tasks in work go on."""
        doors, self._doors = self._doors, []
        for door in doors:
            (door.server if isinstance(door, WebSocketServer) else door).close()
        self.links.reset_all()
        for writer in [*self.web.open]:
            reset(writer.transport)

    async def _open_later(self, for_s: float) -> None:
        await asyncio.sleep(for_s)
        await self._open()

    async def down(self, for_s: float) -> None:
        """Is not there for a while; a second call starts the while anew."""
        self._downs += 1
        if self._opening is not None:
            self._opening.cancel()
        await self._shut()
        self._opening = asyncio.get_running_loop().create_task(self._open_later(for_s))

    # -- control -----------------------------------------------------------------------------------------------------

    async def _serve_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(reader, writer, self._direct)

    async def _direct(self, request: Request) -> Response:
        body = json.loads(request.body or b"{}")
        if request.path == "/tell":
            self.service.script = Script.of(asdict(self.service.script) | body)
            self.links.once_refused &= "auth" not in body
        elif request.path == "/down":
            await self.down(float(body["for_s"]))
        elif request.path != "/stats":
            return json_response({}, 404)
        return json_response(self._stats())

    def _stats(self) -> dict[str, Any]:
        links, web = self.links, self.web
        return self.service.stats() | {
            "sockets_opened": links.opened,
            "sockets_open": len(links.open),
            "authenticated": links.admitted,
            "auth_refused": links.refused,
            "rest_requests": web.posted,
            "images_fetched": web.fetched,
            "down": not self._doors,
            "downs": self._downs,
        }


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound
