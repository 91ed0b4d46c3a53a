"""One connection to Runware at a time, replaced after doubt, with nothing left waiting on the old one."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator
from typing import Any

from qmv.buying.seller import Busy, Doubt
from qmv.errors import AccessError
from qmv.plugins.image.runware_sdk import client_class

__all__ = ["Link", "try_key"]

_CONNECT_S = 10.0
_TRY_S = 4.0
_LEAVE_S = 2.0  # for closing a client
_REFUSALS = 2  # a good key has been refused once in a while; a wrong one always is
_LOOK_S = 0.25
_SILENCE_S = 12.0  # without an answer to pings, of which one goes out every 5 s


def try_key(*, key: str, key_env: str, url: str) -> None:
    """Raises AccessError for a key or an address that the service refuses, before any work is done for it. A service
    that cannot be reached now may be there when it is needed, and is no reason to stop."""

    async def look() -> None:
        link = Link(key=key, key_env=key_env, url=url, at_once=1)
        try:
            async with asyncio.timeout(_TRY_S), link.client():
                pass
        except (Busy, TimeoutError):
            pass
        finally:
            await link.close()

    failed: list[Exception] = []

    def work() -> None:
        try:
            asyncio.run(look())
        except Exception as error:
            failed.append(error)

    client_class()  # importing the SDK takes its time, which is not the service's
    # a caller may have an event loop of its own; and a name server that is away holds up the loop's end for long
    thread = threading.Thread(target=work, name="trying the key", daemon=True)
    thread.start()
    thread.join(_TRY_S + _LEAVE_S)
    if failed:
        raise failed[0]


class Link:
    """Lives in one event loop. `at_once`: how many calls may wait at the same time; `key_env`: whence the key is."""

    def __init__(self, *, key: str, key_env: str, url: str, at_once: int) -> None:
        self.key_env = key_env
        self._key, self._url, self._at_once = key, url, at_once
        self._lock = asyncio.Lock()
        self._current: Any = None
        self._accepted = False
        self._refused: AccessError | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        """A client that is connected; raises Busy where there is none to be had now, AccessError for a wrong key."""
        async with self._lock:
            if self._current is None or not self._current.usable():
                self._drop(self._current)
                self._current = None
                self._current = await self._connected()
            client = self._current
        client.users += 1
        try:
            yield client
        finally:
            client.users -= 1
            if client is not self._current and not client.users:
                self._drop(client)

    def doubt(self, client: Any) -> None:
        """Nothing new goes over this client; who still waits on it may go on."""
        if client is self._current:
            self._current = None

    async def answer(self, client: Any, call: Any, within_s: float) -> Any:
        """The result of a call; raises Doubt as soon as the connection is lost, silent, or `within_s` is over."""
        loop = asyncio.get_running_loop()
        task, end = asyncio.ensure_future(call), loop.time() + within_s
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_S)
                if task.done():
                    break
                if client.account_error:
                    raise Doubt(f"the service said: {client.account_error.get('message', '')}")
                if client.lost:
                    raise Doubt("the connection was lost")
                if client.silent_s() > _SILENCE_S:
                    raise Doubt(f"the connection has been silent for {_SILENCE_S:.0f} s")
                if loop.time() > end:
                    raise Doubt(f"no answer came within {within_s:.10g} s")
            return task.result()
        except Doubt:
            self.doubt(client)
            raise
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        self._drop(self._current)
        self._current = None
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _connected(self) -> Any:
        if self._refused is not None:
            raise self._refused
        for _ in range(_REFUSALS):
            client = client_class()(self._key, self._url, self._at_once)
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await client.connect()
            except BaseException as error:
                self._drop(client)
                if isinstance(error, Exception):
                    raise _no_connection(error, self.key_env) from error
                raise
            if client.isAuthenticated() and client.usable():
                self._accepted = True
                return client
            refused = client.refusal
            self._drop(client)
            if not refused:
                raise Busy("the connection was lost while it was made")
        if self._accepted:
            raise Busy("the service does not take the key for the moment")
        self._refused = AccessError(
            f"image (runware): the key is refused; put a valid one into {self.key_env}, from https://my.runware.ai/keys."
        )
        raise self._refused

    def _drop(self, client: Any) -> None:
        if client is None:
            return
        task = asyncio.create_task(_closed(client))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _closed(client: Any) -> None:
    """Ends the client's tasks and its socket, whatever state they are in."""
    socket = client._ws
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_LEAVE_S):
            await client.disconnect()
    if socket is not None and socket.transport is not None:
        socket.transport.abort()  # a frozen peer never answers the closing handshake


def _no_connection(error: Exception, key_env: str) -> Exception:
    from websockets.exceptions import InvalidStatus, InvalidURI

    if isinstance(error, InvalidURI):
        return AccessError(
            f"image (runware): image.url is no WebSocket address ({error}); it looks like wss://HOST/v1."
        )
    if isinstance(error, ssl.SSLError):
        return AccessError(f"image (runware): no safe connection to image.url can be made ({error}).")
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status == 404:
            return AccessError("image (runware): nothing answers at image.url (HTTP 404); it looks like wss://HOST/v1.")
        if status in (401, 403):
            return AccessError(
                f"image (runware): the connection is refused (HTTP {status}); check {key_env} and image.url."
            )
        return Busy(f"the service cannot be reached (HTTP {status})")
    if isinstance(error, TimeoutError):
        return Busy(f"the service cannot be reached (no connection within {_CONNECT_S:.0f} s)")
    return Busy(f"the service cannot be reached ({error})")
