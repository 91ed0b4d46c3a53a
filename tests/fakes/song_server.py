"""A web server with songs, which answers each request for a file as its script says, then as a good server does.

Run it by `tests.fakes.serving.started("tests.fakes.song_server", FOLDER, SCRIPT)`. It serves the files of FOLDER/files.
SCRIPT: {"steps": {"/x.mp3": [STEP, ...]}, "always": {"/y.mp3": STEP}}; a STEP is a set of what to do other than usual:

    status, retry_after    answers with this status alone
    redirect               leads on to this address; {port} is the server's own
    reset, hang            ends the connection without a word, or holds it without one
    drip_headers           begins an answer, and sends a byte of its headers every 10 ms
    cut_at, stall_at       sends so many bytes of the body, then resets or hangs
    drip_at                sends so many bytes of the body, then one every 10 ms
    claims                 the Content-Length that is said, whatever is sent
    chunked                says no length
    validators             which of etag, weak, modified are told; all but weak by default
    deaf                   takes no notice of ranges and conditions
    kind                   the media type
    headers                headers to send with the file, in place of the server's own
    packed                 sends the body as so many layers of gzip, and says so; ranges count what is sent

FOLDER/requests.jsonl has a line a request: path, query, the headers, and the status that was answered.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.serving import Answering, append, serve

__all__ = ["handler"]


def handler(folder: Path, script: dict[str, Any]) -> type[Answering]:
    steps = {path: list(todo) for path, todo in script.get("steps", {}).items()}
    always = script.get("always", {})

    class Songs(Answering):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            with self.lock:
                step = steps[path].pop(0) if steps.get(path) else always.get(path, {})
            if step.get("reset"):
                self._note(0)
                self.reset()
            elif step.get("hang"):
                self._note(0)
                self.hang()
            elif step.get("drip_headers"):
                self._note(0)
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                while True:
                    time.sleep(0.01)
                    self.wfile.write(b"x")
            elif "redirect" in step:
                self._note(302)
                target = step["redirect"].replace("{port}", str(self.server.server_address[1]))
                self.reply(b"", 302, Location=target)
            elif "status" in step:
                self._note(step["status"])
                wait = {"Retry_After": step["retry_after"]} if "retry_after" in step else {}
                self.reply(b"sorry", step["status"], **wait)
            else:
                self._file(folder / "files" / unquote(path.lstrip("/")), step)

        def _file(self, file: Path, step: dict[str, Any]) -> None:
            if not file.is_file():
                self._note(404)
                self.reply(b"not here", 404)
                return
            body, first = file.read_bytes(), 0
            packed = ["gzip"] * step.get("packed", 0)
            for _ in packed:
                body = gzip.compress(body, 6, mtime=0)
            validators = _validators(body, file, step.get("validators", ["etag", "modified"]))
            if not step.get("deaf") and self._unchanged(validators):
                self._note(304)
                self.send_response(304)
                self._headers(validators)
                return
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if asked and not step.get("deaf") and self.headers.get("If-Range") in (None, *validators.values()):
                first = int(asked[1])
            self._note(206 if first else 200)
            self.send_response(206 if first else 200)
            kind = {"Content-Type": step.get("kind", "audio/mpeg")}
            span = {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"} if first else {}
            size = {"Transfer-Encoding": "chunked"} if step.get("chunked") else {}
            size = size or {"Content-Length": str(step.get("claims", len(body) - first))}
            way = {"Content-Encoding": ", ".join(packed)} if packed else {}
            self._headers(kind | validators | span | size | way | step.get("headers", {}))
            self._body(body[first:], step)

        def _body(self, body: bytes, step: dict[str, Any]) -> None:
            if step.get("chunked"):
                for start in range(0, len(body), 1000):
                    piece = body[start : start + 1000]
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
                return
            end = step.get("cut_at", step.get("stall_at", step.get("drip_at", len(body))))
            self.wfile.write(body[:end])
            for first in range(end, len(body)) if "drip_at" in step else ():
                time.sleep(0.01)
                self.wfile.write(body[first : first + 1])
            if "cut_at" in step:
                self.reset()
            elif "stall_at" in step:
                self.wfile.flush()
                self.hang()
            elif "claims" in step:
                self.close_connection = True

        def _unchanged(self, validators: dict[str, str]) -> bool:
            asked = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since")
            return asked is not None and asked in validators.values()

        def _headers(self, headers: dict[str, str]) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _note(self, status: int) -> None:
            about = {"path": self.path, "status": status, "headers": dict(self.headers)}
            append(folder / "requests.jsonl", about)

    return Songs


def _validators(body: bytes, file: Path, names: list[str]) -> dict[str, str]:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    told = {"etag": ("ETag", tag), "weak": ("ETag", f"W/{tag}")}
    found = dict(told[name] for name in names if name in told)
    return found | ({"Last-Modified": formatdate(file.stat().st_mtime, usegmt=True)} if "modified" in names else {})


if __name__ == "__main__":
    serve(handler)
