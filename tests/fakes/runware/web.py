"""The HTTP side: tasks over REST, and the pictures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.fakes.runware import checks
from tests.fakes.runware.http1 import HungUp, Request, Response, json_response, serve_connection
from tests.fakes.runware.pictures import MIME
from tests.fakes.runware.script import AWAY, DROPS
from tests.fakes.runware.service import Message, Service

__all__ = ["Web"]

_NOT_FOUND = Response(status=404, body=b"<h1>Not found</h1>")
_BROKEN = Response(status=500, body=b"<h1>Internal server error</h1>")
_AWAY = Response(status=503, body=b"<h1>Service unavailable</h1>")


class _Dropped(Exception):
    """The connection breaks before a task's answer; `fault` says how."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class Web:
    """Answers POST /v1 and GET /image/NAME."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.open: set[asyncio.StreamWriter] = set()
        self.fetched = 0
        self.posted = 0
        self._failed_once: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection to its end."""
        self.open.add(writer)
        try:
            await serve_connection(reader, writer, self._answer)
        finally:
            self.open.discard(writer)

    async def _answer(self, request: Request) -> Response:
        if request.path.startswith("/image/") and request.method in ("GET", "HEAD"):
            return await self._image(request, request.path.removeprefix("/image/"))
        if request.path.rstrip("/") == "/v1" and request.method == "POST":
            return await self._tasks(request)
        return _NOT_FOUND

    # -- pictures ----------------------------------------------------------------------------------------------------

    async def _image(self, request: Request, name: str) -> Response:
        self.fetched += 1
        if name in self.service.uploads:
            return Response(body=self.service.uploads[name], type="application/octet-stream")
        picture = self.service.pictures.get(name)
        if picture is None or picture.fault == "http_404":
            return _NOT_FOUND
        if picture.fault == "http_500" or (picture.fault == "http_500_once" and name not in self._failed_once):
            self._failed_once.add(name)
            return _BROKEN
        if picture.fault == "http_slow":
            await asyncio.sleep(self.service.script.slow_s)
        body = await asyncio.to_thread(picture.data)
        mime = "text/html" if picture.fault == "html" else MIME[picture.format]
        return Response(body=body, type=mime, cut=picture.fault == "http_reset")

    # -- tasks -------------------------------------------------------------------------------------------------------

    async def _tasks(self, request: Request) -> Response:
        self.posted += 1
        try:
            items = json.loads(request.body)
        except ValueError:
            items = None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            error = checks.error("invalidRequest", "The body is a JSON array of objects.")
            return json_response({"errors": [error]}, 400)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if items and items[0].get("taskType") == "authentication":
            key = items.pop(0).get("apiKey")
        if key != self.service.script.key:
            code = "invalidApiKey" if key else "missingApiKey"
            return _together([self.service.refused(checks.error(code, "Give a valid API key.", None, "apiKey"))])
        try:
            return _together(await asyncio.gather(*(self._item(item) for item in items)))
        except _Dropped as dropped:
            if dropped.fault == "drop_1012":
                return _AWAY
            if dropped.fault == "drop_clean":
                raise HungUp from dropped
            if dropped.fault in ("drop_abrupt", "drop_before"):
                request.reset()
            await request.leave_hanging()
        raise HungUp

    async def _item(self, item: dict[str, Any]) -> Message:
        kind = item.get("taskType")
        self.service.ledger.receive(item, via="rest", socket=None)
        if kind == "imageInference":
            return await self._infer(item)
        if kind == "getResponse":
            message = await self.service.look_up(item)
            if message is None:
                raise _Dropped("silent")
            return message
        if kind in ("imageUpload", "uploadImage"):
            return self.service.upload(item)
        if kind == "ping":
            return {"data": [{"taskType": "ping", "pong": True}]}
        return self.service.refused(checks.error("invalidTaskType", "No such taskType.", item, "taskType"))

    async def _infer(self, item: dict[str, Any]) -> Message:
        try:
            task = self.service.take(item)
        except checks.Refused as refused:
            return self.service.refused(refused.error)
        if task.fault in DROPS:
            await asyncio.sleep(self.service.script.service_s / 2)
        if task.fault in (*DROPS, *AWAY, "silent_lost", "drop_before"):
            raise _Dropped(task.fault)
        if item.get("deliveryMethod") == "async":
            return {"data": [{"taskType": "imageInference", "taskUUID": item["taskUUID"]}]}
        await task.done.wait()
        return await self.service.answer(task)


def _together(messages: list[Message]) -> Response:
    """One answer for all tasks of a request; an error decides its status."""
    data = [item for message in messages for item in message.get("data", [])]
    errors = [error for message in messages for error in message.get("errors", [])]
    body: dict[str, Any] = ({"data": data} if data or not errors else {}) | ({"errors": errors} if errors else {})
    return json_response(body, checks.status_of(errors[0]["code"]) if errors else 200)
