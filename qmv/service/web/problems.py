"""Every refusal in one form (RFC 9457): one sentence that holds the cure, and nothing of this machine."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from qmv.errors import ConfigError, InputError, QmvError, ServiceError
from qmv.service.queue.board import Refused, Unavailable
from qmv.service.sentences import told
from qmv.service.web.documents import packed

__all__ = ["RETRY_S", "TYPE", "Problem", "about", "answer", "catch"]

TYPE = "application/problem+json"
RETRY_S = 5  # what clients are told to wait for where nobody can know
log = logging.getLogger("qmv.web")
_REFUSED = {"open": 409, "done": 409, "key": 422, "full": 503}
_WORDS = {
    404: "nothing is at this address; /openapi.json lists what there is",
    405: "this address does not take this method; /openapi.json lists what there is",
    408: "the request came too slowly; send it again over a better line",
    413: "the request is larger than this service takes; /api/options tells the limits",
    414: "the address is too long; shorten it",
    415: "the body is of a kind that is not read here; send multipart/form-data or application/json",
    429: "too many requests came from this address; wait a little, then go on more slowly",
}


class Problem(Exception):
    """A refusal of the web's own: a status and a sentence."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, field: str = ""
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.detail, self.headers, self.field = status, detail, dict(headers or {}), field


@contextlib.contextmanager
def about(field: str) -> Iterator[None]:
    """What is refused within is about this part of the request, and the answer names it beside its sentence."""
    try:
        yield
    except (QmvError, Problem) as error:
        if not getattr(error, "field", ""):
            error.field = field  # type: ignore[union-attr]
        raise


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None, *, field: str = "") -> Response:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body |= {"field": field} if field else {}
    return Response(packed(body), status, dict(headers or {}), content_type=TYPE)


def catch(app: Flask) -> None:
    """Makes an answer of whatever ends a request early."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(QmvError, _sentence)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _problem(error: Problem) -> Response:
    return answer(error.status, error.detail, error.headers, field=error.field)


def _refused(error: Refused) -> Response:
    status = _REFUSED.get(error.reason, 409)
    field = "session_id" if status == 409 else ""
    return answer(status, told(str(error)), {"Retry-After": "30"} if status == 503 else None, field=field)


def _unavailable(error: Unavailable) -> Response:
    log.warning("the queue cannot be reached: %s", error)
    return answer(503, "The queue cannot be reached now; try again in some seconds.", {"Retry-After": str(RETRY_S)})


def _sentence(error: QmvError) -> Response:
    """The user's own mistakes are 400; what else fails on purpose is about this service."""
    if isinstance(error, (ConfigError, InputError)):
        return answer(getattr(error, "status", 400), told(str(error)), field=getattr(error, "field", ""))
    log.warning("%s", error)
    status = 503 if isinstance(error, ServiceError) else 500
    return answer(status, told(str(error)), {"Retry-After": str(RETRY_S)} if status == 503 else None)


def _http(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse by themselves."""
    status = error.code or 500
    if error.response is not None:  # such as a redirection
        return Response(status=status, headers=[*error.response.headers])
    kept = ("Allow", "Retry-After", "Content-Range", "WWW-Authenticate")
    headers = {name: value for name, value in error.get_headers() if name in kept}
    words = _WORDS.get(status) or HTTPStatus(status).phrase.lower()
    return answer(status, f"{request.method} {_path()}: {words}.", headers)


def _unexpected(error: Exception) -> Response:
    log.error("%s %s failed", request.method, _path(), exc_info=error)
    return answer(500, "Something went wrong here, and it is in the log; try again, or tell who runs this service.")


def _path() -> str:
    """For sentences and logs: never the query, which may hold what is nobody else's business."""
    text = request.path.encode("ascii", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:100]
