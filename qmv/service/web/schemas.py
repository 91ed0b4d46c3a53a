"""JSON Schemas of what clients send and read, from the tables that requests are checked by."""

from __future__ import annotations

from typing import Any

from qmv.service.intake import knobs
from qmv.service.intake.offer import Offer
from qmv.service.queue.jobs import CLOSED
from qmv.service.settings import ServiceSettings
from qmv.service.web.routes import Route

__all__ = ["EXAMPLES", "PARAMETERS", "operation_id", "schemas"]

_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_PERCENT: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 100}
_MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_STATE: dict[str, Any] = {"type": "string", "enum": ["queued", "running", *CLOSED]}
_LINK: dict[str, Any] = {"type": ["string", "null"]}
_SESSION: dict[str, Any] = {
    "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
}  # fmt: skip
_PRIORITY: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 9, "default": 5}

PARAMETERS: dict[str, dict[str, Any]] = {
    "session_id": {"schema": _SESSION, "example": "spring"},
    "n": {"schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "example": 1},
    "index": {"schema": {"type": "string", "pattern": "^[0-9]{1,9}\\.jpg$"}, "example": "0.jpg"},
    "file": {"schema": {"type": "string", "minLength": 1}, "example": "video_1.mp4"},
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "example": 50},
    "download": {"schema": {"type": "string"}, "description": "any text: saved under the title", "example": "1"},
    "Idempotency-Key": {
        "schema": {"type": "string", "maxLength": 255, "pattern": "^[ -~]*$"},
        "description": "the same key with the same request does nothing twice",
    },
    "Last-Event-ID": {"schema": {"type": "string"}, "description": "the id of the last event that came"},
    "Range": {"schema": {"type": "string"}, "description": "bytes=FROM-TO", "example": "bytes=0-1023"},
}

EXAMPLES: dict[str, Any] = {
    "Start": {
        "songs": ["https://example.com/song.mp3"], "style": "noir", "settings": {"quality": "draft"}, "priority": 5,
    },
    "Token": {"token": "a long random text"},
    "Login": {"needs_token": False},
    "Health": {"status": "ok"},
}  # fmt: skip


def operation_id(route: Route) -> str:
    return "test_page" if route.path == "/test-phase3" else route.view


def schemas(offer: Offer, settings: ServiceSettings) -> dict[str, Any]:
    """By name; the choices are those of this very installation."""
    return {
        "Problem": _with(
            _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT),
            field={"type": "string", "description": "what of a start it is about: songs, style, settings.NAME ..."},
        ),
        "Settings": knobs.schema(offer.knobs),
        **_asked(offer, settings),
        **_sessions(),
        **_service(),
    }


def _asked(offer: Offer, settings: ServiceSettings) -> dict[str, Any]:
    style = {"type": "string", "enum": [*offer.styles], "default": offer.style}
    address = {"type": "string", "description": "https:// of a public host, or of a bucket that is allowed"}
    songs = {"type": "array", "minItems": 1, "maxItems": settings.songs}
    return {
        "Start": _asked_for(
            "songs", songs={**songs, "items": address}, style=style, settings=_ref("Settings"), priority=_PRIORITY,
        ),
        "StartForm": _asked_for(
            songs={**songs, "items": {"type": "string", "contentMediaType": "application/octet-stream"}},
            song_url={"type": "array", "items": address, "maxItems": settings.songs},
            style=style,
            settings={"type": "string", "contentMediaType": "application/json", "contentSchema": _ref("Settings")},
            priority=_PRIORITY,
        ),
        "Token": _asked_for("token", token=_TEXT),
    }  # fmt: skip


def _sessions() -> dict[str, Any]:
    phase = _object(
        phase={"type": "integer", "enum": [1, 2, 3]}, status=_LINK, progress={"type": ["number", "string", "null"]},
        error=_LINK,
    )  # fmt: skip
    whole = _object(**phase["properties"], results={})
    status = _object(
        session_id=_SESSION, status=_STATE, progress=_PERCENT, created_at=_MOMENT, error=_TEXT,
        videos={"type": "array", "items": _ref("VideoStatus")},
    )  # fmt: skip
    cancelled = {**_COUNT, "description": "videos that this request closed or told to stop"}
    last_try = {**_TEXT, "description": "what became of the try before, in words, while the video is open; or nothing"}
    retried = {**_COUNT, "description": "videos that this request queued anew"}
    return {
        "Status": status,
        "Cancelled": _object(**status["properties"], cancelled=cancelled),
        "Retried": _object(**status["properties"], retried=retried),
        "VideoStatus": _object(
            n=_COUNT, title=_TEXT, style=_TEXT, status=_STATE, progress=_PERCENT, attempt=_COUNT, stage=_TEXT,
            stages={"type": "array", "items": _TEXT}, done=_COUNT, total=_COUNT, unit=_TEXT,
            time_left_s={"type": ["number", "null"]}, cost_usd={"type": "number"}, notice=_TEXT, error=_TEXT,
            last_try=last_try, parked={"type": "boolean"}, retry_at=_MOMENT, pictures={"type": "array", "items": _TEXT},
            queued_at=_MOMENT, started_at=_MOMENT, ended_at=_MOMENT,
        ),
        "Results": _object(
            session_id=_SESSION, status=_STATE, videos={"type": "array", "items": _ref("VideoResult")},
        ),
        "VideoResult": _object(
            n=_COUNT, title=_TEXT, status=_STATE, error=_TEXT, url=_LINK, download_url=_LINK, thumbnail_url=_LINK,
            page_url=_LINK, captions_url=_LINK, metadata=_metadata(),
        ),
        "Complete": _object(session_id=_SESSION, status=_LINK, phases={"type": "array", "items": whole}),
        "Sessions": _object(sessions={"type": "array", "items": _ref("Summary")}),
        "Summary": _object(
            session_id=_SESSION, status=_STATE, created_at=_MOMENT, videos=_COUNT,
            phases={"type": "array", "items": phase},
        ),
    }  # fmt: skip


def _metadata() -> dict[str, Any]:
    """Empty before a video is finished; of what its parts hold, run.json tells."""
    part = {"type": "object"}
    return _with(
        {"type": "object"}, title=_TEXT, artist=_TEXT, style=_TEXT, video=part, song=part, beats=part, sync=part,
        pictures={"type": "object", "additionalProperties": {"type": "integer"}},
        notes={"type": "array", "items": _TEXT}, sha256=_TEXT, size_bytes=_COUNT, storage=_TEXT,
        unchanged={"type": "boolean"}, seconds={"type": ["number", "null"]}, cost_usd={"type": "number"},
    )  # fmt: skip


def _service() -> dict[str, Any]:
    look = _object(name=_TEXT, prompt=_TEXT, palette={"type": "array", "items": _TEXT}, preview=_TEXT)
    knob = _object(
        name=_TEXT, type=_TEXT, default={}, choices={"type": "array", "items": _TEXT}, unit=_TEXT, help=_TEXT,
        at_least={"type": ["number", "null"]}, at_most={"type": ["number", "null"]}, longest=_COUNT,
    )  # fmt: skip
    limits = _object(songs=_COUNT, upload_mb={"type": "number"}, song_minutes={"type": "number"})
    boolean = {"type": "boolean"}
    return {
        "Options": _object(
            styles={"type": "array", "items": look}, style=_TEXT, settings={"type": "array", "items": knob},
            limits=limits, web_songs=boolean, needs_token=boolean,
        ),
        "Login": _object(needs_token=boolean),
        "Health": _object(status=_TEXT),
    }  # fmt: skip


def _object(**members: Any) -> dict[str, Any]:
    """All members are there."""
    return {"type": "object", "properties": members, "required": [*members]}


def _with(told: dict[str, Any], **members: Any) -> dict[str, Any]:
    """These members may be there."""
    return {**told, "properties": {**told.get("properties", {}), **members}}


def _asked_for(*required: str, **members: Any) -> dict[str, Any]:
    """No other members may be there."""
    return {**_object(**members), "required": [*required], "additionalProperties": False}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
