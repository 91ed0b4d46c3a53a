"""The web as a process of its own, on a queue in a file that the test shares with it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmv.live.progress import Live
from qmv.service.queue.board import Board
from qmv.service.queue.jobs import Claim, Order
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import PREFIX, ServiceSettings

__all__ = ["PATIENCE_S", "Answer", "Web", "form", "order", "running"]

PATIENCE_S = 120  # for a busy machine

# what `python -m qmv.service.web` does, with streams that beat quickly, and much patience with a Redis that is there
_QUICK = """
from gevent import monkey
monkey.patch_all(os=False, subprocess=False, signal=False)
import functools
from qmv.service.queue import redis_link
from qmv.service.web import app, serving
redis_link._ANSWER_S = 120.0
app.create_app = functools.partial(app.create_app, heartbeat_s=0.2, poll_s=0.05)
raise SystemExit(serving.main())
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer; the names of its headers are small."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """Of a refusal, whose form is looked at too."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        assert {*self.json} - {"field"} == {"type", "title", "status", "detail"}
        return str(self.json["detail"])


@dataclass(frozen=True, kw_only=True)
class Web:
    """A running one."""

    port: int
    board: Board
    outputs: Path
    process: subprocess.Popen[str]
    log: Path

    def ask(self, method: str, path: str, body: bytes | str | dict[str, Any] | None = None, **headers: str) -> Answer:
        """`Content_Type` gives the header Content-Type; a dict is sent as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body = json.dumps(body)
            named.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, named)
            return _answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def raw(self, *pieces: bytes, method: str = "GET") -> Answer:
        """Sends bytes as they are, and reads one answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            for piece in pieces:
                connection.sendall(piece)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            return _answer(response)

    def queue(self, session: str, *titles: str) -> None:
        """Puts videos into the queue, past the web."""
        self.board.submit(session, [order(title) for title in titles or ("song",)], digest=f"{session} {titles}")

    def claimed(self, session: str, title: str = "song") -> Claim:
        """A video of a new session, as its worker has it; it is more urgent than what other tests have left."""
        self.board.submit(session, [order(title)], digest=session, priority=9)
        claim = self.board.claim("test")
        assert claim is not None
        assert claim.session == session
        return claim

    def tell(self, claim: Claim, percent: float) -> None:
        self.board.tell(claim, Live(percent=percent, stage="pictures", stages=("beats", "pictures")))

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")


def order(title: str = "song") -> Order:
    return Order(song="https://example.com/song.mp3", title=title, style="neon")


def form(*parts: tuple[str, str | None, bytes]) -> dict[str, Any]:
    """(name, name of the file or None, content) as multipart/form-data, for `ask`."""
    lines = []
    for name, filename, content in parts:
        more = "" if filename is None else f'; filename="{filename}"'
        lines += [b"--limit", f'Content-Disposition: form-data; name="{name}"{more}'.encode(), b"", content]
    body = b"\r\n".join([*lines, b"--limit--", b""])
    return {"body": body, "Content_Type": "multipart/form-data; boundary=limit"}


@contextlib.contextmanager
def running(
    folder: Path, *, token: str = "", quick: bool = False, code: str = "", redis: str = "", **settings: Any
) -> Iterator[Web]:
    """Until the end of the block; it must end by itself when it is asked to. `code` is run in the module's stead."""
    code = _QUICK if quick else code
    values = {"outputs": str(folder / "outputs"), "port": 0, "reads_per_minute": 1_000_000,
              "starts_per_minute": 1_000_000, "lease_s": 600, **settings}  # fmt: skip
    setup, log = ServiceSettings(**values), folder / "web.log"
    ours = ("QMV_", "REDIS_URL")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | setup.environ()
    environ |= ({f"{PREFIX}TOKEN": token} if token else {}) | ({"REDIS_URL": redis} if redis else {})
    command = [sys.executable, *(["-c", code] if code else ["-m", "qmv.service.web"])]
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("w") as told:
        process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=told,
            text=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip
    assert process.stdout is not None
    limits = setup.limits
    board = (
        RedisBoard(redis, limits) if redis else SqliteBoard(setup.folder / "state.sqlite", limits, wait_s=PATIENCE_S)
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on http://"), log.read_text(encoding="utf-8")
        yield Web(port=int(line.rpartition(":")[2]), board=board, outputs=folder / "outputs", process=process, log=log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.stdout.close()
            board.close()


def _answer(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=headers, body=response.read())
