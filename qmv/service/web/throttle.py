"""How often one client may ask. Counted in this process; a client is an address, as nothing else can be believed."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from limits import parse

from qmv.service.settings import ServiceSettings
from qmv.service.web.counting import SCHEME
from qmv.service.web.problems import Problem, answer

__all__ = ["Throttle"]

_WRONG_TOKENS = parse("20 per minute")
_LOGINS = "10 per minute"
View = Callable[..., Any]


class Throttle:
    """`starts` and `logins` go around a view; whatever is not `free` counts as a read."""

    def __init__(self, app: Flask, settings: ServiceSettings) -> None:
        self._limiter = Limiter(
            _client,
            app=app,
            application_limits=[f"{settings.reads_per_minute} per minute"],
            storage_uri=f"{SCHEME}://",
            strategy="fixed-window",
        )
        self._starts = f"{settings.starts_per_minute} per minute"
        app.register_error_handler(RateLimitExceeded, self._exceeded)

    def starts(self, view: View) -> View:
        return self._limiter.limit(self._starts)(view)

    def logins(self, view: View) -> View:
        return self._limiter.limit(_LOGINS)(view)

    def free(self, view: View) -> View:
        return self._limiter.exempt(view)

    def check_guesses(self) -> None:
        """Raises Problem where this client has shown too many wrong tokens."""
        if not self._limiter.limiter.test(_WRONG_TOKENS, _client()):
            left_s = self._limiter.limiter.get_window_stats(_WRONG_TOKENS, _client()).reset_time - time.time()
            raise Problem(
                429, "Too many wrong tokens came from this address; look at yours, then wait a minute.",
                {"Retry-After": str(max(1, round(left_s)))},
            )  # fmt: skip

    def count_guess(self) -> None:
        self._limiter.limiter.hit(_WRONG_TOKENS, _client())

    def _exceeded(self, error: RateLimitExceeded) -> Response:
        current = self._limiter.current_limit
        left_s = max(1, math.ceil(current.reset_at - time.time())) if current else 60
        sentence = f"More than {error.limit.limit} came from this address; go on in {left_s} seconds."
        return answer(429, sentence, {"Retry-After": str(left_s)})


def _client() -> str:
    """The client's address; of IPv6 its network, since one machine has as many addresses there as it likes."""
    address = request.remote_addr or ""
    try:
        if ipaddress.ip_address(address).version == 6:
            return str(ipaddress.ip_network(f"{address}/64", strict=False))
    except ValueError:
        pass
    return address
