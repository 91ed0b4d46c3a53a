"""Writes into Redis how far a session's videos are, where other systems look for it."""

from __future__ import annotations

import importlib.util
import os
import re
from typing import Any

from qmv.api import About, Observer, Watcher, plugin, setting
from qmv.errors import ConfigError, ServiceError
from qmv.events import Event, RunFinished, as_mapping
from qmv.live.progress import Live, folded
from qmv.live.redis_client import redis_client, said
from qmv.live.session_videos import tell

__all__ = ["Redis"]

_ANSWER_S = 1.0  # for an answer; an end that could not be told is tried again while the run waits


@plugin
class Redis(Observer):
    """Writes into Redis how far the videos of a session are: phase3_status, _progress, _results and _error.

    Wants `pip install 'qmv[redis]'`, an address like redis://:PASSWORD@HOST:PORT/0 in REDIS_URL, and session=ID.
    """

    name = "redis"
    url_env: str = setting("variable that holds the address", default="REDIS_URL", keyed=False)
    keep_hours: float = setting(
        "the keys expire so long after the last time", default=168.0, unit="h", above=0, at_most=87600, keyed=False
    )
    videos: int = setting(
        "how many videos the session has, so that it is not finished with the first; 0: those that have begun",
        default=0, at_least=0, keyed=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[A-Za-z_]\w*", self.url_env, re.ASCII):
            raise ValueError(f"url_env is the name of an environment variable, got '{self.url_env}'")

    def ready(self, about: About) -> None:
        if not about.session:
            raise ConfigError("observers (redis): its keys have a session's name; give one with session=ID.")
        if importlib.util.find_spec("redis") is None:
            raise ConfigError(
                "observers (redis): needs the package redis, which is not installed; install it with: "
                "python -m pip install 'qmv[redis]'"
            )
        self._client()

    def watch(self, about: About) -> Watcher:
        return _Telling(self, about, self._client())

    def _client(self) -> Any:
        """Connects to nothing yet."""
        url = os.environ.get(self.url_env, "").strip()
        if not url:
            raise ConfigError(
                f"observers (redis): {self.url_env} is not set; put the address of Redis into the environment or the "
                "file .env, such as redis://localhost:6379/0."
            )
        return redis_client(url, f"observers (redis): {self.url_env}", answer_s=_ANSWER_S)


class _Telling(Watcher):
    """The state of one run, written when it has changed."""

    def __init__(self, redis: Redis, about: About, client: Any) -> None:
        self._redis, self._about, self._client = redis, about, client
        self._live, self._status, self._error = Live(), "running", ""
        self._result: dict[str, Any] | None = None
        self._written: dict[str, Any] = {}

    def see(self, event: Event) -> None:
        self._live = folded(self._live, as_mapping(event))
        if isinstance(event, RunFinished):
            self._status = event.status
            self._error = event.error if event.status == "failed" else ""
            if event.status == "finished":
                delivery = event.deliveries[-1] if event.deliveries else {"url": event.result}
                self._result = {"n": self._about.n, "title": self._live.title, **delivery}

    def tell(self) -> None:
        from redis.exceptions import RedisError

        video = {
            "status": self._status, "percent": int(self._live.percent), "title": self._live.title,
            "error": self._error, "result": self._result,
        }  # fmt: skip
        if video == self._written:
            return
        try:
            tell(
                self._client, self._about.session, self._about.n, video,
                count=self._redis.videos, keep_s=self._redis.keep_hours * 3600,
            )  # fmt: skip
        except (RedisError, OSError) as error:
            raise ServiceError(
                f"Redis cannot be reached or used ({said(error)}); start it, or mend {self._redis.url_env}."
            ) from error
        self._written = video

    def close(self) -> None:
        self._client.close()
