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
from qmv.live.states import State, error_of, percent_of, status_of

__all__ = ["summed_up", "tell"]

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
    """status, percent, results and error of a session; videos up to `count` that nobody has told of are queued."""
    told = sorted(videos.items())
    states = [
        State(n, str(video.get("status")), float(video.get("percent") or 0), str(video.get("error") or ""))
        for n, video in told
    ]
    states += [State(0, "queued")] * max(0, count - len(told))
    return {
        "status": status_of(states),
        "percent": percent_of(states),
        "results": [video["result"] for _, video in told if video.get("result")],
        "error": error_of(states),
    }


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
