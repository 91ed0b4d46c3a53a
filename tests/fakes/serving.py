"""What the fakes of plain HTTP services share: a process that ends with its parent, and connections that break."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["Answering", "Process", "append", "lines", "serve", "started"]

_ROOT = Path(__file__).resolve().parents[2]
_ENDS_WITHIN_S = 5
_HANGS_S = 600  # longer than anybody waits


# -- the test's side -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Process:
    """A fake that serves on 127.0.0.1; its folder can be read when it has ended, too."""

    port: int
    pid: int
    folder: Path


@contextlib.contextmanager
def started(module: str, folder: Path, script: dict[str, Any]) -> Iterator[Process]:
    """Runs `python -m MODULE FOLDER` until the end of the block; what it says on stderr is in stderr.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "stderr.txt").open("ab") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", module, str(folder.resolve())],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            process_group=0,  # a Ctrl-C, or a test that ends its own group, does not take the service with it
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(script) + "\n")  # not through a file: the key stays off the disk
            process.stdin.flush()
            ready = process.stdout.readline()
            if not ready:
                raise RuntimeError(f"the fake did not start: {(folder / 'stderr.txt').read_text(encoding='utf-8')}")
            yield Process(folder=folder, pid=process.pid, **json.loads(ready))
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # by which it ends
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file; a last line that is still being written is left out."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


# -- the fake's side -------------------------------------------------------------------------------------------------


def append(path: Path, value: dict[str, Any]) -> None:
    """Adds a line of JSON, which is on the disk when this returns."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(value) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def serve(handler: Callable[[Path, dict[str, Any]], type[Answering]]) -> None:
    """Serves until standard input ends, as it does with the parent; says its port in one line of JSON."""
    script = json.loads(sys.stdin.readline())
    server = _Server(("127.0.0.1", 0), handler(Path(sys.argv[1]), script))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.read()
    os._exit(0)  # answers that hang are not waited for


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; the rest goes to stderr.txt."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Answering(BaseHTTPRequestHandler):
    """One connection. What a fake answers is in its `do_POST` and `do_GET`, what it remembers in its class."""

    protocol_version = "HTTP/1.1"
    lock: ClassVar[threading.RLock] = threading.RLock()

    def sent(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def json(self, value: Any, status: int = 200, **headers: str) -> None:
        self.reply(json.dumps(value).encode(), status, "application/json; charset=UTF-8", **headers)

    def reply(
        self, body: bytes, status: int = 200, kind: str = "text/html", *, cut: bool = False, **headers: str
    ) -> None:
        """Answers; with `cut`, half of the body and then a reset. `Retry_After` gives the header Retry-After."""
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.reset()

    def reset(self) -> None:
        """Ends the connection as a crash does."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # the socket's own close() waits for the files that were made of it, and shutdown() would end it politely
        os.close(self.connection.detach())

    def hang(self) -> None:
        """Answers nothing, and holds the connection."""
        threading.Event().wait(_HANGS_S)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing; `received` tells what came."""
