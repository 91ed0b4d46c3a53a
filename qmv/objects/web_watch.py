"""Ends an answer whose headers come too slowly, each byte of them in time though. Imports nothing of QMV."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Watch"]


class Watch:
    """Knows the connections of a client, since httpx knows no time for an answer as a whole.

    Each request of the client takes it as its extension `trace`.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def __call__(self, event: str, about: Mapping[str, Any]) -> None:
        """Keeps a connection that was made."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._sockets.append(about["return_value"].get_extra_info("socket"))

    @contextlib.contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Ends all connections where the block lasts longer, so that who reads from one sees its end."""
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        for connection in self._sockets:
            with contextlib.suppress(OSError):  # closed by now, or handed over to TLS
                # not by the method of a TLS socket, which takes its state from under the reader
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
