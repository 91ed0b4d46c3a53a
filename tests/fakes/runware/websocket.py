"""The WebSocket side: authentication, sessions that resume, and links that break by script."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.fakes.runware import checks
from tests.fakes.runware.http1 import reset
from tests.fakes.runware.script import AWAY, DROPS
from tests.fakes.runware.service import Message, Service

__all__ = ["Link", "Links"]

_KEPT_S = 120  # how long what could not be delivered waits for its session


@dataclass(kw_only=True, eq=False)
class _Session:
    """What a client resumes by naming its connectionSessionUUID on another socket."""

    uuid: str
    link: Link
    waiting: list[tuple[float, Message]] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        if not await self.link.send(message):
            self.waiting.append((time.monotonic(), message))

    async def resume(self, link: Link) -> None:
        self.link, waiting, self.waiting = link, self.waiting, []
        for since, message in waiting:
            if time.monotonic() - since <= _KEPT_S:
                await self.deliver(message)


class Links:
    """All sockets of the service. Work goes on when its socket is gone."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.open: set[Link] = set()
        self.opened = 0
        self.admitted = 0
        self.refused = 0
        self.once_refused = False
        self.sessions: dict[str, _Session] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, connection: ServerConnection) -> None:
        """Serves one socket to its end."""
        self.opened += 1
        link = Link(self, connection)
        self.open.add(link)
        try:
            async for text in connection:
                await link.receive(text)
        except ConnectionClosed:
            pass
        finally:
            self.open.discard(link)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        running = asyncio.get_running_loop().create_task(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def reset_all(self) -> None:
        for link in [*self.open]:
            reset(link.connection.transport)

    def accepts(self, key: object) -> bool:
        """Whether this authentication succeeds, by script."""
        script = self.service.script
        refuses = script.auth == "refuse_once_on_reconnect" and self.admitted and not self.once_refused
        if key == script.key and not refuses:
            self.admitted += 1
            return True
        self.once_refused |= key == script.key
        self.refused += 1
        return False


class Link:
    """One socket."""

    def __init__(self, links: Links, connection: ServerConnection) -> None:
        self.links = links
        self.connection = connection
        self.frozen = False
        self._number = links.opened  # of the socket, from 1
        self._session: _Session | None = None

    async def send(self, message: Message) -> bool:
        """Whether the message went out; on a frozen link it is lost, and nobody notices."""
        if self.frozen:
            return True
        try:
            await self.connection.send(json.dumps(message))
        except ConnectionClosed:
            return False
        return True

    async def receive(self, text: str | bytes) -> None:
        if self.frozen:
            return
        try:
            items = json.loads(text)
        except ValueError:
            items = None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            await self.send({"errors": [checks.error("invalidRequest", "A message is a JSON array of objects.")]})
            return
        for item in items:
            await self._item(item)

    async def _item(self, item: dict[str, Any]) -> None:
        service, kind = self.links.service, item.get("taskType")
        if kind == "authentication":
            await self._authenticate(item)
        elif kind == "ping":
            await self.send({"data": [{"taskType": "ping", "pong": True}]})
        else:
            service.ledger.receive(item, via="ws", socket=self._number)
            if self._session is None:
                message = "Authenticate before you send tasks."
                await self.send(service.refused(checks.error("missingApiKey", message, item, "apiKey")))
            elif kind == "imageInference":
                self.links.spawn(self._infer(item, self._session))
            elif kind == "getResponse":
                self.links.spawn(self._look_up(item, self._session))
            elif kind in ("imageUpload", "uploadImage"):
                await self.send(service.upload(item))
            else:
                await self.send(service.refused(checks.error("invalidTaskType", "No such taskType.", item, "taskType")))

    async def _authenticate(self, item: dict[str, Any]) -> None:
        if self.links.service.script.auth == "never":
            return
        if not self.links.accepts(item.get("apiKey")):
            message = "Invalid API key. Get one at https://my.runware.ai/signup"
            await self.send(
                {"errors": [checks.error("invalidApiKey", message, {"taskType": "authentication"}, "apiKey")]}
            )
            if self.links.service.script.refused_key_closes:
                await self.connection.close(1008, "invalid API key")
            return
        session = self.links.sessions.get(str(item.get("connectionSessionUUID")))
        session = self._session = session or _Session(uuid=str(uuid.uuid4()), link=self)
        self.links.sessions[session.uuid] = session
        await self.send({"data": [{"taskType": "authentication", "connectionSessionUUID": session.uuid}]})
        await session.resume(self)

    async def _infer(self, item: dict[str, Any], session: _Session) -> None:
        service = self.links.service
        try:
            task = service.take(item)
        except checks.Refused as refused:
            await session.deliver(service.refused(refused.error))
            return
        if task.fault == "drop_before":
            reset(self.connection.transport)
        elif task.fault == "freeze":
            self.frozen = True
            self.connection.transport.pause_reading()  # not even the WebSocket's own pings are answered now
        elif task.fault in DROPS:
            await asyncio.sleep(service.script.service_s / 2)
            await self._drop(task.fault)
        if task.fault in (*AWAY, "silent_lost", "drop_before"):
            return
        if item.get("deliveryMethod") == "async":
            named = {"taskType": "imageInference", "taskUUID": item["taskUUID"]}
            await session.deliver({"data": [named]})
            return
        await task.done.wait()
        message = await service.answer(task)
        if task.fault == "result_twice":
            for half in (message["data"][::2], message["data"][1::2]):
                await session.deliver({"data": half})
        else:
            await session.deliver(message)

    async def _look_up(self, item: dict[str, Any], session: _Session) -> None:
        if message := await self.links.service.look_up(item):
            await session.deliver(message)

    async def _drop(self, fault: str) -> None:
        if fault == "drop_abrupt":
            reset(self.connection.transport)
        else:
            await self.connection.close(1012 if fault == "drop_1012" else 1000)
