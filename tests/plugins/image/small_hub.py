"""A stand-in for huggingface.co on this machine: one model to download, and refusals that carry the hub's own codes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["hub"]

_COMMIT = "1" * 40
_REFUSALS = {"gated": (403, "GatedRepo"), "unknown": (401, "RepoNotFound"), "plain": (404, "EntryNotFound")}


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """The address of a hub that holds `folder` as the model made/tiny."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path).path.strip("/").split("/")
            name = parts[3] if parts[0] == "api" else parts[1]
            if name in _REFUSALS:
                status, code = _REFUSALS[name]
                self._send(status, b"{}", {"X-Error-Code": code})
            elif parts[0] == "api":
                about = _tree(folder) if "tree" in parts else _about(folder)
                self._send(200, json.dumps(about).encode(), {"Content-Type": "application/json"})
            elif parts[3] not in ("main", _COMMIT):
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            else:
                self._send_file(folder / "/".join(parts[4:]))

        def do_HEAD(self) -> None:
            self.do_GET()

        def _send_file(self, file: Path) -> None:
            if not file.is_file():
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            data = file.read_bytes()
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
            marks = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": _COMMIT}
            self._send(200, data[first:], marks)

        def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _about(folder: Path) -> dict[str, Any]:
    return {"id": "made/tiny", "sha": _COMMIT, "siblings": [{"rfilename": name} for name in _files(folder)]}


def _tree(folder: Path) -> list[dict[str, Any]]:
    return [
        {"type": "file", "path": name, "size": (folder / name).stat().st_size, "oid": "0" * 40}
        for name in _files(folder)
    ]
