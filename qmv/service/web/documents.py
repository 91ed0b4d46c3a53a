"""What clients read of a session: pure functions from what the queue holds to values that JSON can hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from qmv.live.session_keys import PHASE
from qmv.service.queue.jobs import Session, Video
from qmv.service.sentences import told

__all__ = ["complete", "packed", "results", "status", "summary"]

_NAMES = ("url", "download_url", "thumbnail_url", "page_url", "captions_url")
_ENDS = {"thumbnail_url": ".jpg", "page_url": ".html", "captions_url": ".vtt"}
_TOLD = ("sha256", "size_bytes", "seconds", "storage", "unchanged")  # of a delivery
Has = Callable[[str, str], bool]


def packed(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def status(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "status": session.status,
        "progress": _percent(session.percent),
        "created_at": _moment(session.created_at),
        "error": told(session.error),
        "videos": [_progress(session.id, video) for video in session.videos],
    }


def results(session: Session, has: Has) -> dict[str, Any]:
    """`has` tells whether a file lies in a session's folder of the service's own videos."""
    videos = [
        {
            "n": video.n,
            "title": video.title,
            "status": video.status,
            "error": told(video.error),
            **_links(session.id, video, has),
            "metadata": _metadata(video),
        }
        for video in session.videos
    ]
    return {"session_id": session.id, "status": session.status, "videos": videos}


def complete(
    session_id: str, session: Session | None, others: Mapping[int, Mapping[str, Any] | None], has: Has
) -> dict[str, Any]:
    """All phases of a session; `others` are those that other systems work on, None where they said nothing yet.

    The status of the whole is that of the last phase that has begun.
    """
    said = {number: (about or {}).get("results") for number, about in others.items()}
    said[PHASE] = results(session, has)["videos"] if session else None
    phases = [{**phase, "results": said[phase["phase"]]} for phase in _phases(session, others)]
    begun = [phase["status"] for phase in phases if phase["status"] is not None]
    return {"session_id": session_id, "status": begun[-1] if begun else None, "phases": phases}


def summary(session: Session, others: Mapping[int, Mapping[str, Any] | None]) -> dict[str, Any]:
    """A line of the list of sessions, which is asked for every few seconds: no results, no look at files."""
    return {
        "session_id": session.id,
        "status": session.status,
        "created_at": _moment(session.created_at),
        "videos": len(session.videos),
        "phases": _phases(session, others),
    }


def _progress(session_id: str, video: Video) -> dict[str, Any]:
    live = video.live
    where = f"/api/phase3/pictures/{quote(session_id)}/{video.n}"
    return {
        "n": video.n,
        "title": video.title,
        "style": video.style,
        "status": video.status,
        "progress": _percent(100.0 if video.status == "finished" else live.percent),
        "attempt": video.attempt,
        "stage": live.stage,
        "stages": [*live.stages],
        "done": live.done,
        "total": live.total,
        "unit": live.unit,
        "time_left_s": None if live.left_s is None else round(live.left_s, 1),
        "cost_usd": _usd(live.cost_usd),
        "notice": told(live.notice),
        "error": told(video.error),
        "last_try": told(video.last_try),
        "parked": video.parked,
        "retry_at": _moment(video.retry_at),
        "pictures": [f"{where}/{index}.jpg" for index in range(video.pictures)],
        "queued_at": _moment(video.queued_at),
        "started_at": _moment(video.started_at),
        "ended_at": _moment(video.ended_at),
    }


def _phases(session: Session | None, others: Mapping[int, Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    keys = ("status", "progress", "error")
    phases = [{"phase": n, **{key: (said or {}).get(key) for key in keys}} for n, said in sorted(others.items())]
    own = (session.status, _percent(session.percent), told(session.error)) if session else (None, None, None)
    return [*phases, {"phase": PHASE, **dict(zip(keys, own, strict=True))}]


# -- where a finished video lies -------------------------------------------------------------------------------------


def _links(session_id: str, video: Video, has: Has) -> dict[str, str | None]:
    """A video in the service's own folder is served by the service; one elsewhere is told as its storage tells it."""
    if video.result is None or not video.result.get("url"):
        return dict.fromkeys(_NAMES)
    url = str(video.result["url"])
    if "://" in url:
        places = [str(place) for place in video.result.get("companions") or ()]
        beside = {name: next((place for place in places if _ends(place, end)), None) for name, end in _ENDS.items()}
        return {"url": url, "download_url": url, **beside}
    stem = f"video_{video.n}"
    where = f"/videos/{quote(session_id)}/{stem}"
    beside = {name: f"{where}{end}" if has(session_id, stem + end) else None for name, end in _ENDS.items()}
    return {"url": f"{where}.mp4", "download_url": f"{where}.mp4?download=1", **beside}


def _ends(place: str, end: str) -> bool:
    return urlsplit(place).path.endswith(end)


def _metadata(video: Video) -> dict[str, Any]:
    """What is told of the file, without where it lies on this machine."""
    result = video.result or {}
    about = result.get("metadata")
    kept = {name: result[name] for name in _TOLD if name in result}
    cost = {"cost_usd": _usd(result["cost_usd"])} if "cost_usd" in result else {}
    return {**(about if isinstance(about, dict) else {}), **kept, **cost}


# -- values ----------------------------------------------------------------------------------------------------------


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)


def _moment(seconds: float | None) -> str | None:
    """RFC 3339, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _usd(text: Any) -> float:
    try:
        return round(float(text), 6)
    except (TypeError, ValueError):
        return 0.0
