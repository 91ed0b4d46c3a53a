"""The one table of what is served: Flask's routes and the OpenAPI document are both made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["JSON", "ROUTES", "Route"]

JSON = "application/json"
SESSION = ("session_id",)


@dataclass(frozen=True, kw_only=True)
class Route:
    """`answers` are the good ones, status -> (media type, schema or ''); `problems` the statuses of refusals.

    `view` is its name among the views of `create_app`, `needs_token` is false for what everybody may ask, `deep`
    lets the last part of the path hold slashes.
    """

    method: str
    path: str
    view: str
    summary: str
    answers: Mapping[int, tuple[str, str]]
    problems: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    body: Mapping[str, str] = field(default_factory=dict)
    needs_token: bool = True
    tag: str = "sessions"
    deep: bool = False

    @property
    def rule(self) -> str:
        """For Flask."""
        rule = self.path.replace("{", "<").replace("}", ">")
        return rule.replace("/<file>", "/<path:file>") if self.deep else rule

    @property
    def parameters(self) -> list[str]:
        return [part.partition("}")[0] for part in self.path.split("{")[1:]]


_FILE = {200: ("", ""), 206: ("", ""), 304: ("", "")}

ROUTES = (
    Route(method="POST", path="/api/phase3/start/{session_id}", view="start",
        summary="Queue a video for each song of a session",
        answers={202: (JSON, "Status"), 200: (JSON, "Status")}, problems=(400, 403, 408, 409, 413, 415, 422, 503),
        headers=("Idempotency-Key",), body={"multipart/form-data": "StartForm", JSON: "Start"}),
    Route(method="GET", path="/api/phase3/status/{session_id}", view="status",
        summary="How far a session's videos are",
        answers={200: (JSON, "Status")}, problems=(400, 404, 503)),
    Route(method="GET", path="/api/phase3/results/{session_id}", view="results",
        summary="Where the finished videos are, and what is known of them",
        answers={200: (JSON, "Results")}, problems=(400, 404, 503)),
    Route(method="GET", path="/api/session/{session_id}/complete-status", view="complete",
        summary="All phases of a session; 1 and 2 are what other systems wrote of theirs",
        answers={200: (JSON, "Complete")}, problems=(400, 404, 503)),
    Route(method="POST", path="/api/phase3/cancel/{session_id}", view="cancel",
        summary="Close what is queued, and stop what runs; where nothing is, nothing changes",
        answers={200: (JSON, "Cancelled")}, problems=(400, 403, 404, 503)),
    Route(method="POST", path="/api/phase3/retry/{session_id}", view="retry",
        summary="Queue the videos that failed or were cancelled anew; where none is, nothing changes",
        answers={202: (JSON, "Retried"), 200: (JSON, "Retried")}, problems=(400, 403, 404, 409, 503)),
    Route(method="GET", path="/api/phase3/events/{session_id}", view="events",
        summary="The status at each change, as server-sent events: status, heartbeat, end",
        answers={200: ("text/event-stream", "")}, problems=(400, 404, 503), headers=("Last-Event-ID",)),
    Route(method="GET", path="/api/phase3/pictures/{session_id}/{n}/{index}", view="picture",
        summary="The thumbnail of a picture that is made, such as 0.jpg",
        answers={200: ("image/jpeg", ""), 304: ("", "")}, problems=(400, 404, 503)),
    Route(method="GET", path="/api/sessions", view="sessions", summary="The latest sessions first",
        answers={200: (JSON, "Sessions")}, problems=(400, 503), query=("limit",)),
    Route(method="GET", path="/api/options", view="options", summary="What can be asked for here",
        answers={200: (JSON, "Options")}, needs_token=False, tag="service"),
    Route(method="GET", path="/styles/{file}", view="style", summary="A picture of a style, such as neon.jpg",
        answers={200: ("image/jpeg", ""), 304: ("", "")}, problems=(404,), tag="files"),
    Route(method="GET", path="/videos/{session_id}/{file}", view="video",
        summary="A finished video, such as video_1.mp4, and its .jpg .srt .vtt .html .json; takes Range",
        answers=_FILE, problems=(400, 404, 416, 503), query=("download",), headers=("Range",), tag="files"),
    Route(method="POST", path="/api/login", view="login", summary="Trade the token for a cookie",
        answers={200: (JSON, "Login")}, problems=(400, 401, 403, 408, 413, 415), body={JSON: "Token"},
        needs_token=False, tag="service"),
    Route(method="POST", path="/api/logout", view="logout", summary="Drop the cookie",
        answers={200: (JSON, "Login")}, problems=(403,), needs_token=False, tag="service"),
    Route(method="GET", path="/healthz", view="healthz", summary="Whether the service can work",
        answers={200: (JSON, "Health")}, problems=(503,), needs_token=False, tag="service"),
    Route(method="GET", path="/metrics", view="metrics", summary="For Prometheus",
        answers={200: ("text/plain", "")}, problems=(503,), tag="service"),
    Route(method="GET", path="/openapi.json", view="openapi", summary="This document",
        answers={200: (JSON, "")}, needs_token=False, tag="service"),
    Route(method="GET", path="/", view="page", summary="The page for people",
        answers={200: ("text/html", ""), 304: ("", "")}, problems=(404,), needs_token=False, tag="page"),
    Route(method="GET", path="/test-phase3", view="page", summary="The same page",
        answers={200: ("text/html", ""), 304: ("", "")}, problems=(404,), needs_token=False, tag="page"),
    Route(method="GET", path="/static/{file}", view="static", summary="What the page is made of",
        answers=_FILE, problems=(404, 416), needs_token=False, tag="page", deep=True),
)  # fmt: skip
