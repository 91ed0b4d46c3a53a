"""Puts the web together: `create_app` for any WSGI server, though streams of events want gevent's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response

from qmv.service.intake.offer import Offer
from qmv.service.queue.board import Board
from qmv.service.settings import ServiceSettings, redis_url
from qmv.service.settings import token as token_of_environment
from qmv.service.web import documents, openapi, problems
from qmv.service.web.api import Api
from qmv.service.web.events import Feed
from qmv.service.web.files import Files
from qmv.service.web.headers import Headers, media_of
from qmv.service.web.metrics import Metrics
from qmv.service.web.pages import Pages
from qmv.service.web.receiving import Room, SongRequest
from qmv.service.web.routes import ROUTES
from qmv.service.web.security import Guard
from qmv.service.web.starting import Starter, most_bytes
from qmv.service.web.throttle import Throttle

__all__ = ["create_app"]

_OTHER_PARTS = 10  # of a form, besides songs and addresses
_WHOLE_REQUESTS = 4  # of the largest that are allowed, whose files may arrive at once


def create_app(settings: ServiceSettings, board: Board, *, heartbeat_s: float = 10.0, poll_s: float = 0.5) -> Flask:
    """The whole service but its workers. The token comes from the environment, as `settings.token` reads it.

    Raises ConfigError where the folder conf/ does not have what the operator offers.
    """
    app = Flask("qmv.service.web", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=most_bytes(settings),
        MAX_FORM_PARTS=2 * settings.songs + _OTHER_PARTS,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.request_class = _request_class(settings)
    problems.catch(app)
    offer, pages = Offer.read(settings), Pages(board)
    feed = Feed(board, pages, most=settings.listeners, poll_s=poll_s, heartbeat_s=heartbeat_s)
    app.extensions["qmv.feed"] = feed
    metrics = Metrics(app, board, lambda: feed.count)
    throttle = Throttle(app, settings)
    guard = Guard(
        token_of_environment(), settings, throttle,
        open_routes=frozenset(_endpoint(path) for path in {route.path for route in ROUTES if not route.needs_token}),
    )  # fmt: skip
    guard.watch(app)
    app.wsgi_app = Headers(app.wsgi_app, media_of(settings))  # type: ignore[method-assign]
    files = Files(settings, board, offer)
    api = Api(
        settings, board, offer, starter=Starter(settings, board, offer, _ring), pages=pages, feed=feed, files=files,
        guard=guard, throttle=throttle,
    )  # fmt: skip
    document = documents.packed(openapi.document(offer, settings))
    views: dict[str, Callable[..., Response]] = {
        "start": throttle.starts(api.start), "retry": throttle.starts(api.retry), "cancel": api.cancel,
        "status": api.status, "results": api.results, "complete": api.complete, "events": api.events,
        "picture": api.picture, "sessions": api.sessions, "options": api.options,
        "login": throttle.logins(api.login), "logout": api.logout, "healthz": throttle.free(api.healthz),
        "video": files.video, "style": files.style, "page": files.page, "static": files.static,
        "metrics": metrics.answer, "openapi": lambda: Response(document, content_type="application/json"),
    }  # fmt: skip
    for route in ROUTES:
        app.add_url_rule(route.rule, _endpoint(route.path), views[route.view], methods=[route.method])
    return app


def _endpoint(path: str) -> str:
    """Flask's name of a route; no dots, which stand for blueprints there."""
    return path.replace(".", "_")


def _request_class(settings: ServiceSettings) -> type[SongRequest]:
    places: dict[str, Any] = {
        "room": Room(settings.folder / "arriving", _WHOLE_REQUESTS * most_bytes(settings)),
        "song_bytes": int(settings.upload_mb * 1e6),
    }
    return type("Request", (SongRequest,), places)


def _ring() -> None:
    """Tells Celery's workers that there is work; the embedded ones look by themselves."""
    if redis_url():
        from qmv.service.worker import ring

        ring()
