"""The keys under which other systems read in Redis how far a session's third phase, its videos, is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["PHASE", "WHATS", "key", "write"]

PHASE = 3
WHATS = ("status", "progress", "results", "error")


def key(session: str, what: str, phase: int = PHASE) -> str:
    """`what` is one of `WHATS`."""
    return f"session:{session}:phase{phase}_{what}"


def write(
    pipe: Any,
    session: str,
    *,
    status: str,
    percent: float,
    results: Sequence[dict[str, Any]],
    error: str,
    keep_s: float,
) -> None:
    """Puts the four keys into a Redis pipeline; they expire `keep_s` after the last time.

    The status is queued, running, finished, failed or cancelled, the progress a whole number from 0 to 100, the results
    a JSON list with what was delivered, the error a sentence, or '' for none.
    """
    values = {"status": status, "progress": str(int(percent)), "results": json.dumps([*results]), "error": error}
    for what, value in values.items():
        pipe.set(key(session, what), value, ex=max(1, int(keep_s)))
