"""What Redis says of a session's videos where several runs make them, each of which knows its own alone.

A hash has a JSON document a video; the four keys of `session_keys`, which speak for the whole session, are derived from
it in the same transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from qmv.live.session_keys import key, write

__all__ = ["summed_up", "tell"]

_CLOSED = ("finished", "failed", "cancelled")
_TRIES = 50  # at a hash that other runs change, too
_PAUSE_S = 0.002


def tell(client: Any, session: str, n: int, video: Mapping[str, Any], *, count: int, keep_s: float) -> None:
    """Writes how far video `n` of a session is: status, percent, error, and result once it is finished.

    `client` is redis-py's. `count` is how many videos the session has, where that is known, else 0. Raises
    redis.exceptions.WatchError where others were quicker each time.
    """
    from redis.exceptions import WatchError

    place = key(session, "videos")
    with client.pipeline() as pipe:
        for left in reversed(range(_TRIES)):
            try:
                pipe.watch(place)
                videos = _read(pipe.hgetall(place)) | {n: dict(video)}
                pipe.multi()
                pipe.hset(place, str(n), json.dumps(dict(video), ensure_ascii=False))
                pipe.expire(place, max(1, int(keep_s)))
                write(pipe, session, **summed_up(videos, count), keep_s=keep_s)
                pipe.execute()
                return
            except WatchError:
                if not left:
                    raise
                time.sleep(_PAUSE_S)


def summed_up(videos: Mapping[int, Mapping[str, Any]], count: int = 0) -> dict[str, Any]:
    """status, percent, results and error of a session; videos up to `count` that nobody has told of are queued.

    A failed video decides only when all are closed, and closed ones have nothing left to do.
    """
    told = [videos[n] for n in sorted(videos)]
    states = [str(video.get("status")) for video in told] + ["queued"] * max(0, count - len(told))
    percents = [100.0 if video.get("status") in _CLOSED else float(video.get("percent") or 0) for video in told]
    errors = [(n, videos[n].get("error")) for n in sorted(videos) if videos[n].get("status") != "finished"]
    sentences = [f"video {n}: {error}" if len(states) > 1 else str(error) for n, error in errors if error]
    return {
        "status": _status(set(states)),
        "percent": sum(percents) / len(states) if states else 0.0,
        "results": [video["result"] for video in told if video.get("result")],
        "error": " ".join(sentences),
    }


def _status(states: set[str]) -> str:
    if states <= {*_CLOSED}:
        return next((state for state in ("failed", "cancelled") if state in states), "finished")
    return "queued" if states == {"queued"} else "running"


def _read(found: Mapping[Any, Any]) -> dict[int, dict[str, Any]]:
    """What others have written; a document that cannot be read counts as none."""
    videos: dict[int, dict[str, Any]] = {}
    for n, text in found.items():
        try:
            video = json.loads(text)
            if isinstance(video, dict):
                videos[int(n)] = video
        except ValueError:
            continue
    return videos
