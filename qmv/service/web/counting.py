"""Where the counts of Flask-Limiter are kept: in this process, without the timers of its own memory.

Those start a thread at nearly every request, and look through all clients each time.
"""

from __future__ import annotations

import time

from limits.storage import Storage

__all__ = ["SCHEME", "Counting"]

SCHEME = "qmv-counting"
_MOST = 100_000  # clients with a count


class Counting(Storage):
    """A count is good until it ends, a minute after its first request."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  the base class has it so

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
        if key not in self._counts and len(self._counts) >= _MOST:
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
        for key in [*self._counts][: len(self._counts) // 2] if len(self._counts) > _MOST // 2 else ():
            del self._counts[key]
