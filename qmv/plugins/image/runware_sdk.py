"""The official SDK, held to one connection that its owner watches over.

The SDK connects anew and sends again by itself, which can pay twice, and waits without end in some cases (seen with
0.5.24, the version that the extra pins). `client_class` gives its client without those: a lost connection fails
whatever waits on it, at once, and stays lost. Nothing else is changed: it speaks the protocol as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import logging
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from qmv.errors import PluginError

__all__ = ["VERSION", "client_class", "quiet", "sdk"]

VERSION = "0.5.24"
_LOUD = ("asyncio", "websockets")
_LOUD_LOCK = threading.Lock()  # two providers may begin at the same time, each in a thread of its own


@functools.cache
def sdk() -> ModuleType:
    """The module `runware`, without the changes that its import makes to other libraries' loggers."""
    with quiet():
        module = importlib.import_module("runware")
    if (version := getattr(module, "__version__", "another")) != VERSION:  # runware-sdk is imported by this name, too
        raise PluginError(
            f"image (runware): needs the package runware in version {VERSION}, got {version}; uninstall runware-sdk, "
            "which takes its place, if that is there, then run: python -m pip install 'qmv[runware]'"
        )
    logging.getLogger("websockets.client").addFilter(_holds_no_key)
    return module


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Puts back what the SDK does to the loggers of asyncio and websockets, at its import and with each client."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    with _LOUD_LOCK:
        before = [(logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
        try:
            yield
        finally:
            for logger, (level, handlers, propagate) in zip(loggers, before):
                logger.setLevel(level)
                logger.handlers[:] = handlers
                logger.propagate = propagate


@functools.cache
def client_class() -> Any:
    """The SDK's client as described above: a class that takes `api_key` and `url`."""

    class Client(sdk().Runware):  # type: ignore[misc]
        """`lost` once the connection is gone; `users` counts the calls that wait on it."""

        lost = False
        users = 0

        def __init__(self, api_key: str, url: str, at_once: int) -> None:
            with quiet():
                super().__init__(api_key=api_key, url=url)
            self.account_error: dict[str, Any] | None = None
            self._request_semaphore = asyncio.Semaphore(at_once + 1)
            self.addListener(check=_names_no_task, lis=self._on_account_error)

        @property
        def refusal(self) -> str:
            """What the service said to the key; '' where it said nothing."""
            return self._invalidAPIkey or ""

        def silent_s(self) -> float:
            """How long the service has not answered a ping; the SDK sends one every 5 s."""
            return time.perf_counter() - float(self._last_pong_time)

        def usable(self) -> bool:
            return not self.lost and bool(self.connected())

        async def look_up(self, order: str, within_s: float) -> dict[str, Any]:
            """The service's answer to `getResponse`, as it is; also one that says that the task is in work."""
            future, _ = await self._register_pending_operation(order, expected_results=1)
            try:
                await self.send([{"taskType": "getResponse", "taskUUID": order}])
                await self._mark_operation_sent(order)
                items: list[dict[str, Any]] = await asyncio.wait_for(future, within_s)
                return items[0]
            finally:
                await self._unregister_pending_operation(order, force=True)

        async def handleClose(self) -> None:  # noqa: N802  the SDK's name: here it would connect anew
            self.lost = True
            await self._cancel_pending_operations("the connection was lost")

        async def _handle_messages(self) -> None:
            await super()._handle_messages()
            if not self._is_shutting_down:
                await self.handleClose()  # a clean close ends the SDK's reader without a word

        async def ensureConnection(self) -> None:  # noqa: N802
            if not self.usable():
                raise ConnectionError("the connection was lost")

        async def _do_reconnect(self, last_error: Exception | None = None) -> bool:
            raise ConnectionError(str(last_error or "the connection was lost"))

        def _on_account_error(self, message: dict[str, Any]) -> None:
            self.account_error = message["errors"][0]

    return Client


def _holds_no_key(record: logging.LogRecord) -> bool:
    """Keeps the message that authenticates out of logs: at level DEBUG, websockets writes down each one."""
    return "apiKey" not in record.getMessage()


def _names_no_task(message: dict[str, Any]) -> bool:
    """An error about the account or the service as a whole, which the SDK drops."""
    errors = message.get("errors") or [{}]
    return bool(errors[0]) and not errors[0].get("taskUUID") and errors[0].get("taskType") != "authentication"
