"""What applications ask for, as values and answers; each method is the view of one route."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Response, request
from werkzeug.exceptions import NotFound

from qmv.errors import ConfigError
from qmv.service.intake.knobs import shown
from qmv.service.intake.offer import Offer
from qmv.service.intake.orders import checked_session
from qmv.service.queue.board import Board
from qmv.service.queue.jobs import Session
from qmv.service.settings import ServiceSettings
from qmv.service.web import documents
from qmv.service.web.events import Feed
from qmv.service.web.files import Files
from qmv.service.web.pages import Pages
from qmv.service.web.problems import Problem
from qmv.service.web.security import Guard
from qmv.service.web.starting import Starter, json_object, small_body
from qmv.service.web.throttle import Throttle, client

__all__ = ["Api"]

_MOST_SESSIONS = 500
_NUMBER = re.compile(r"[0-9]{1,9}")
_VERSION = re.compile(r"[0-9]{1,15}")
_BODY_BYTES = 10_000


class Api:
    """Everything that is no file."""

    def __init__(
        self, settings: ServiceSettings, board: Board, offer: Offer, *,
        starter: Starter, pages: Pages, feed: Feed, files: Files, guard: Guard, throttle: Throttle,
    ) -> None:  # fmt: skip
        self._settings, self._board, self._offer = settings, board, offer
        self._starter, self._pages, self._feed, self._files = starter, pages, feed, files
        self._guard, self._throttle = guard, throttle

    # -- sessions ----------------------------------------------------------------------------------------------------

    def start(self, session_id: str) -> Response:
        session, fresh = self._starter.start(session_id)
        where = {"Location": f"/api/phase3/status/{session.id}"}
        return _json(documents.status(session), 202 if fresh else 200, where)

    def status(self, session_id: str) -> Response:
        page = self._pages.page(checked_session(session_id))
        if page is None:
            raise _unknown(session_id)
        return Response(page.body + b"\n", content_type="application/json")

    def results(self, session_id: str) -> Response:
        return _json(documents.results(self._session(session_id), self._files.has))

    def complete(self, session_id: str) -> Response:
        session = self._board.session(checked_session(session_id))
        (others,) = self._board.phases([session_id])
        if session is None and not any(others.values()):
            raise _unknown(session_id)
        return _json(documents.complete(session_id, session, others, self._files.has))

    def cancel(self, session_id: str) -> Response:
        session, count = self._board.cancel(checked_session(session_id)) or (None, 0)
        if session is None:
            raise _unknown(session_id)
        return _json({**documents.status(session), "cancelled": count})

    def retry(self, session_id: str) -> Response:
        session, count = self._starter.retry(checked_session(session_id)) or (None, 0)
        if session is None:
            raise _unknown(session_id)
        return _json({**documents.status(session), "retried": count}, 202 if count else 200)

    def events(self, session_id: str) -> Response:
        session_id = checked_session(session_id)
        last = request.headers.get("Last-Event-ID", "")
        seen = int(last) if _VERSION.fullmatch(last) else -1
        stream = self._feed.listen(session_id, seen, client())
        if stream is None:
            raise _unknown(session_id)
        if request.method == "HEAD":
            stream.close()
        headers = {"X-Accel-Buffering": "no"}
        return Response(stream, content_type="text/event-stream; charset=utf-8", headers=headers)

    def picture(self, session_id: str, n: str, index: str) -> Response:
        session_id = checked_session(session_id)
        place, _, end = index.rpartition(".")
        if not (_NUMBER.fullmatch(n) and _NUMBER.fullmatch(place) and end == "jpg"):
            raise NotFound
        image = self._board.picture(session_id, int(n), int(place))
        if image is None:
            raise NotFound
        response = Response(image, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})
        response.add_etag()
        response.make_conditional(request)
        return response

    def sessions(self) -> Response:
        text = request.args.get("limit", "50")
        if not (_NUMBER.fullmatch(text) and 1 <= int(text) <= _MOST_SESSIONS):
            raise ConfigError(f"limit: is a whole number from 1 to {_MOST_SESSIONS}, got {shown(text)}.")
        found = self._board.sessions(int(text))
        others = self._board.phases([one.id for one in found])
        return _json({"sessions": [documents.summary(*one) for one in zip(found, others, strict=True)]})

    # -- the service -------------------------------------------------------------------------------------------------

    def options(self) -> Response:
        settings = self._settings
        styles = [
            {
                "name": look.name,
                "prompt": look.prompt,
                "palette": [*look.palette],
                "preview": f"/styles/{look.name}.jpg",
            }
            for look in self._offer.styles.values()
        ]
        limits = {"songs": settings.songs, "upload_mb": settings.upload_mb, "song_minutes": settings.song_minutes}
        return _json(
            {
                "styles": styles, "style": self._offer.style, "settings": self._offer.options(), "limits": limits,
                "web_songs": settings.web_songs, "needs_token": self._guard.needs_token,
            }
        )  # fmt: skip

    def login(self) -> Response:
        if request.mimetype != "application/json":
            raise Problem(415, 'A login is sent as application/json: {"token": "..."}.')
        token = json_object(small_body(_BODY_BYTES), ("token",)).get("token")
        if not self._guard.has_token:
            return _json({"needs_token": False})
        if not isinstance(token, str):
            raise ConfigError('token: is missing or no text; send {"token": "..."}.')
        if not self._guard.is_token(token):
            self._throttle.check_guesses()
            self._throttle.count_guess()
            raise Problem(401, "This is not the token; ask who runs the service for it.", self._guard.challenge)
        response = _json({"needs_token": False})
        self._guard.log_in(response)
        return response

    def logout(self) -> Response:
        response = _json({"needs_token": self._guard.has_token})
        self._guard.log_out(response)
        return response

    def healthz(self) -> Response:
        self._board.session("healthz")  # one look is enough to know whether the queue can be reached
        return _json({"status": "ok"})

    def _session(self, session_id: str) -> Session:
        session = self._board.session(checked_session(session_id))
        if session is None:
            raise _unknown(session_id)
        return session


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(documents.packed(value) + b"\n", status, headers, content_type="application/json")


def _unknown(session_id: str) -> Problem:
    return Problem(404, f"session {session_id}: is not known here; start it, or look at its ID.")
