"""The clock that a worker and the render that it started count a lease by."""

from __future__ import annotations

import time

__all__ = ["now_s"]


def now_s() -> float:
    """Seconds that all processes of this machine count alike; they go on while it sleeps, where the system knows."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
