"""How often one client may ask. Counted in this process; a client is an address, as nothing else can be believed.

The counts have a store of their own: the memory of Flask-Limiter starts a timer, a thread, at nearly every request, and
looks through all clients each time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from limits import parse
from limits.storage import Storage

from qmv.service.settings import ServiceSettings
from qmv.service.web.clients import network_of
from qmv.service.web.problems import Problem, answer

__all__ = ["Counting", "Throttle", "client"]

_WRONG_TOKENS = parse("20 per minute")
_LOGINS = "10 per minute"
_SCHEME = "qmv-counting"
_MOST_CLIENTS = 100_000
View = Callable[..., Any]


class Throttle:
    """`starts` and `logins` go around a view; whatever is not `free` counts as a read. All that `starts` goes around
    shares one limit, as all of it queues work."""

    def __init__(self, app: Flask, settings: ServiceSettings) -> None:
        self._limiter = Limiter(
            client,
            app=app,
            application_limits=[f"{settings.reads_per_minute} per minute"],
            storage_uri=f"{_SCHEME}://",
            strategy="fixed-window",
        )
        self._starts = self._limiter.shared_limit(f"{settings.starts_per_minute} per minute", scope="starts")
        app.register_error_handler(RateLimitExceeded, self._exceeded)

    def starts(self, view: View) -> View:
        return self._starts(view)

    def logins(self, view: View) -> View:
        return self._limiter.limit(_LOGINS)(view)

    def free(self, view: View) -> View:
        return self._limiter.exempt(view)

    def check_guesses(self) -> None:
        """Raises Problem where this client has shown too many wrong tokens."""
        if not self._limiter.limiter.test(_WRONG_TOKENS, client()):
            left_s = self._limiter.limiter.get_window_stats(_WRONG_TOKENS, client()).reset_time - time.time()
            raise Problem(
                429, "Too many wrong tokens came from this address; look at yours, then wait a minute.",
                {"Retry-After": str(max(1, round(left_s)))},
            )  # fmt: skip

    def count_guess(self) -> None:
        self._limiter.limiter.hit(_WRONG_TOKENS, client())

    def _exceeded(self, error: RateLimitExceeded) -> Response:
        current = self._limiter.current_limit
        left_s = max(1, math.ceil(current.reset_at - time.time())) if current else 60
        sentence = f"More than {error.limit.limit} came from this address; go on in {left_s} seconds."
        return answer(429, sentence, {"Retry-After": str(left_s)})


def client() -> str:
    """The client of this request, as its shares are counted."""
    return network_of(request.remote_addr or "")


# -- the counts ------------------------------------------------------------------------------------------------------


class Counting(Storage):
    """A count is good until it ends, a minute after its first request."""

    STORAGE_SCHEME = [_SCHEME]  # noqa: RUF012  the base class has it so

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: float | str | bool) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        count, ends = self._counts.get(key, (0, 0.0))
        count, ends = (count + amount, ends) if ends > now else (amount, now + expiry)
        if key not in self._counts and len(self._counts) >= _MOST_CLIENTS:
            self._tidy(now)
        self._counts[key] = (count, ends)
        return count

    def get(self, key: str) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return max(self._counts.get(key, (0, 0.0))[1], time.time())

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        gone = len(self._counts)
        self._counts.clear()
        return gone

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)

    def _tidy(self, now: float) -> None:
        """Drops what has ended; where that is little, the oldest half, since memory must end somewhere."""
        self._counts = {key: value for key, value in self._counts.items() if value[1] > now}
        for key in [*self._counts][: len(self._counts) // 2] if len(self._counts) > _MOST_CLIENTS // 2 else ():
            del self._counts[key]
