"""Serves the web by gevent, with as many connections as it can bear, of which no client may take all."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gevent
from flask import Flask
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from qmv.errors import ConfigError, QmvError
from qmv.service.logs import log_to_stderr
from qmv.service.settings import ServiceSettings, open_board
from qmv.service.web.clients import Proxies, Shares, network_of
from qmv.service.web.connections import Connection
from qmv.service.web.documents import packed
from qmv.service.web.losses import watch_losses
from qmv.service.web.problems import TYPE

if TYPE_CHECKING:
    from qmv.service.web.events import Feed

__all__ = ["Server", "main", "serve"]

log = logging.getLogger("qmv.web")
_STOP_S = 10.0
_QUEUE_S = 1.0  # that others may write into its file, before a request is told to come again
_MORE_CONNECTIONS = 1000  # besides those that listen, and those of the client that has the most
_SILENT_S = 15.0  # without a request, where more than half of the connections are taken
_LOOKS_EVERY_S = 1.0
_TOO_MANY = packed({
    "type": "about:blank", "title": "Service Unavailable", "status": 503,
    "detail": "Too many connections came from this address; end some, and try again.",
})  # fmt: skip
_TOO_MANY_HEAD = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: %d\r\n"
    b"Content-Type: %s\r\n\r\n"
) % (len(_TOO_MANY), TYPE.encode())


class Server(WSGIServer):  # type: ignore[misc]
    """Listens at the settings' address. `busy` requests are being answered."""

    handler_class = Connection

    def __init__(self, app: Flask, settings: ServiceSettings) -> None:
        self.most_bytes = int(app.config["MAX_CONTENT_LENGTH"])
        self.busy, self.is_ending = 0, False
        self.proxies = Proxies(settings.proxies)
        self._shares = Shares(settings.connections)
        self._silent: dict[Connection, float] = {}  # since when, the longest first
        self._looker: gevent.Greenlet | None = None
        self._feed: Feed = app.extensions["qmv.feed"]
        super().__init__(
            (settings.host, settings.port), app, log=None, error_log=None,
            spawn=Pool(settings.listeners + settings.connections + _MORE_CONNECTIONS), backlog=1024,
        )  # fmt: skip

    def start(self) -> None:
        super().start()
        self._looker = gevent.spawn(self._look_at_silent)

    def handle(self, sock: Any, address: Any) -> None:
        """A proxy has the connections of all its clients, so it is not counted."""
        client = network_of(address[0])
        if self.proxies.has(address[0]):
            super().handle(sock, address)
        elif self._shares.take(client):
            try:
                super().handle(sock, address)
            finally:
                self._shares.give_back(client)
        else:
            with contextlib.suppress(OSError):
                sock.sendall(_TOO_MANY_HEAD + _TOO_MANY)

    @contextlib.contextmanager
    def silence_of(self, connection: Connection) -> Iterator[None]:
        """For the time in which it waits for a request."""
        self._silent[connection] = time.monotonic()
        try:
            yield
        finally:
            del self._silent[connection]

    def _look_at_silent(self) -> None:
        """Ends the longest silence where places become rare; a full server accepts nobody, so it looks by itself."""
        while True:
            gevent.sleep(_LOOKS_EVERY_S)
            if 2 * len(self.pool) <= self.pool.size:
                continue
            now = time.monotonic()
            for connection, since in [*self._silent.items()]:
                if since + _SILENT_S > now:
                    break
                connection.hang_up()

    @property
    def url(self) -> str:
        host, port = self.address[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def end(self) -> None:
        """Takes no more connections, ends the streams, and leaves what is under way a moment."""
        self.is_ending = True
        self.close()
        self._feed.end()
        if self._looker is not None:
            self._looker.kill(block=False)
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
        watch = gevent.spawn(watch_losses, board, settings.lease_s)
        try:
            serve(create_app(settings, board), settings)
        finally:
            watch.kill()
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
