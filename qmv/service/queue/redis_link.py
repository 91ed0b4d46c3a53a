"""The way to Redis: short waits, transactions that are tried again, errors that are sentences without a password."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from qmv.engine.secrets import hide_text
from qmv.live.redis_client import redis_client, said
from qmv.service.queue.board import Refused, Unavailable

__all__ = ["RedisLink"]

T = TypeVar("T")
_ANSWER_S = 2.0
_BUSY_S = 10.0  # that others may be quicker, again and again
_PAUSE_S = 0.002  # grows with each try
_LONGEST_PAUSE_S = 0.05
_SHORTEST = 6  # a shorter password would hide common words


class RedisLink:
    """A client of one Redis; `url` may hold a password. Threads and greenlets may share it."""

    def __init__(self, url: str) -> None:
        # connections from before a restart are made anew: what is sent outside `change` may be done twice
        self.client = redis_client(url, "REDIS_URL", answer_s=_ANSWER_S, again=1)
        place = self.client.connection_pool.connection_kwargs
        self.where = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        self._password = str(place.get("password") or "")
        if len(self._password) >= _SHORTEST:
            hide_text(self._password)

    @contextlib.contextmanager
    def reached(self) -> Iterator[Any]:
        """The client; what goes wrong inside raises Unavailable."""
        from redis.exceptions import RedisError

        try:
            yield self.client
        except RedisError as error:
            text = said(error)
            text = text.replace(self._password, "[secret]") if self._password else text
            raise Unavailable(
                f"queue (Redis at {self.where}): cannot be reached or used ({text}); start it, or mend REDIS_URL."
            ) from error

    def change(self, watched: list[str], step: Callable[[Any], T]) -> T:
        """Does `step` as one transaction that others' changes of the watched keys make void, and then once more.

        The step reads from the pipeline that it gets, calls its `multi`, and says what to write; it may raise Refused
        before that. Where the connection breaks, it is called again, too, and where the answer is late, one more time,
        also when Redis had done all of it: so it finds out from what is kept whether it has been done.
        """
        from redis.exceptions import WatchError

        until, tries, late = time.monotonic() + _BUSY_S, 0, False
        with self.reached() as client:
            while True:
                with client.pipeline() as pipe:
                    try:
                        pipe.watch(*watched)
                        try:
                            answer = step(pipe)
                        except Refused:
                            pipe.execute()  # nothing, but it tells whether what the step read belongs together
                            raise
                        if _executed(pipe, twice=late):
                            return answer
                        late = True
                    except WatchError:
                        tries += 1
                if time.monotonic() > until:
                    raise Unavailable(
                        f"queue (Redis at {self.where}): was changed by others {tries} times while it was to be "
                        "changed; try again."
                    )
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, _PAUSE_S * tries)))

    def warning(self) -> str:
        """What to mend where Redis may forget, in one sentence; '' where it keeps all, or doesn't tell."""
        from redis.exceptions import ResponseError

        with self.reached() as client:
            try:
                told = {**client.info("persistence"), **client.info("memory")}
            except ResponseError:  # some hosts don't let us ask
                return ""
        where = f"REDIS_URL (Redis at {self.where})"
        if not told.get("aof_enabled", 1):
            return f"{where}: forgets the latest changes when it ends; set appendonly yes in its configuration."
        policy = told.get("maxmemory_policy", "noeviction")
        if told.get("maxmemory", 0) and policy != "noeviction":
            return f"{where}: drops keys when its memory is full ({policy}); set maxmemory-policy noeviction."
        return ""

    def close(self) -> None:
        self.client.close()


def _executed(pipe: Any, *, twice: bool) -> bool:
    """False where the answer is late, so that Redis may have done it, or not; the second time that raises."""
    from redis.exceptions import TimeoutError as Late

    try:
        pipe.execute()
    except Late:
        if twice:
            raise
        return False
    return True
