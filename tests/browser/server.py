"""A small web server on 127.0.0.1 that answers requests for a part of a file, without which no browser can seek."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["serving"]

_TYPES = {".html": "text/html; charset=utf-8", ".mp4": "video/mp4"}


@contextlib.contextmanager
def serving(files: Mapping[str, Path]) -> Iterator[str]:
    """Serves the files by their names until the end of the block; gives the address, with a slash at its end."""

    class Handler(_Handler):
        served = files

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])  # s between looks for its end
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET with a file, or with the part of it that `Range: bytes=first-last` asks for (RFC 9110, 14.2)."""

    protocol_version = "HTTP/1.1"
    served: Mapping[str, Path]

    def do_GET(self) -> None:
        path = self.served.get(self.path.lstrip("/"))
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        part = body[first : int(asked[2]) + 1 if asked and asked[2] else None]
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES[path.suffix])
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(body)}")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a browser that seeks drops what it no longer wants
            self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing; a test tells what it saw."""
