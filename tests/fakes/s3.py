"""S3 by moto, in a process of its own, and a service that only refuses.

    with s3(folder, bucket="films") as service: ...          # service.url
    with refusing(folder, 403, "AccessDenied") as service: ...

Real S3 heeds If-Match and If-None-Match on copies (since October 2025), moto does not; `conditional_copies` says
whether this one does. `conditional_puts` says what it does with those of writes: they are heeded, refused or ignored,
as services do that came before S3 had them. It is also `python -m tests.fakes.s3 FOLDER`, with a line of JSON on
stdin: its script.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.fakes.serving import started

__all__ = ["Service", "refusing", "s3"]

_ACCOUNT = "123456789012"  # moto's


@dataclass(frozen=True, kw_only=True)
class Service:
    """Something that speaks S3."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def s3(
    folder: Path, *, bucket: str, conditional_copies: bool = True, conditional_puts: str = "heeded"
) -> Iterator[Service]:
    """Runs moto with an empty bucket until the end of the block."""
    script = {"bucket": bucket, "conditional_copies": conditional_copies, "conditional_puts": conditional_puts}
    with started("tests.fakes.s3", folder, script) as process:
        yield Service(port=process.port)


@contextlib.contextmanager
def refusing(folder: Path, status: int, code: str, message: str = "", **more: str) -> Iterator[Service]:
    """Runs a service that answers to everything with one error, as XML; to HEAD without a word, as S3 does."""
    parts = {"Code": code, "Message": message, **more}
    body = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    script = {"status": status, "body": f"<?xml version='1.0'?><Error>{body}</Error>" if code else ""}
    with started("tests.fakes.s3", folder, script) as process:
        yield Service(port=process.port)


# -- the fake's side -------------------------------------------------------------------------------------------------

Answer = Iterable[bytes]
Start = Callable[..., Any]


class _Moto:
    """moto, one write at a time, so that a look and a write on a condition are one step as in S3."""

    def __init__(self, bucket: str, conditional_copies: bool, conditional_puts: str) -> None:
        from moto.s3.models import s3_backends
        from moto.server import DomainDispatcherApplication, create_backend_app

        self._app = DomainDispatcherApplication(create_backend_app)
        self._store = s3_backends[_ACCOUNT]["aws"]
        self._store.create_bucket(bucket, "us-east-1")
        self._conditional_copies = conditional_copies
        self._conditional_puts = conditional_puts
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Start) -> Answer:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        if environ["REQUEST_METHOD"] not in ("PUT", "POST", "DELETE"):
            return self._app(environ, start)  # type: ignore[no-any-return]
        if self._conditional_puts != "heeded" and {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"} & {*environ}:
            if self._conditional_puts == "refused":
                return _refuse(start, 501, "<Error><Code>NotImplemented</Code></Error>")
            environ.pop("HTTP_IF_MATCH", None)
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with self._lock:
            if "HTTP_X_AMZ_COPY_SOURCE" in environ and self._conditional_copies and not self._may_copy(environ):
                return _refuse(start, 412, "<Error><Code>PreconditionFailed</Code></Error>")
            return list(self._app(environ, start))

    def _may_copy(self, environ: dict[str, Any]) -> bool:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        _, bucket, key = unquote(path).split("/", 2)
        found = self._store.get_object(bucket, key)
        if etag := environ.get("HTTP_IF_MATCH"):
            return found is not None and found.etag.strip('"') == etag.strip('"')
        return found is None or environ.get("HTTP_IF_NONE_MATCH") != "*"


def _refuse(start: Start, status: int, body: str) -> Answer:
    start(f"{status} No", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def _refusing(status: int, body: str) -> Callable[[dict[str, Any], Start], Answer]:
    def answer(environ: dict[str, Any], start: Start) -> Answer:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return _refuse(start, status, "" if environ["REQUEST_METHOD"] == "HEAD" else body)

    return answer


def _serve() -> None:
    from werkzeug.serving import make_server

    script = json.loads(sys.stdin.readline())
    server = make_server("127.0.0.1", 0, (_Moto if "bucket" in script else _refusing)(**script), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
