"""What a session is where its videos are known: the one rule for the queue, and for runs that tell of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["CLOSED", "State", "error_of", "percent_of", "status_of"]

CLOSED = ("finished", "failed", "cancelled")  # nothing more happens by itself


class State(NamedTuple):
    """How far one of a session's videos is; `status` is queued, running, or one of `CLOSED`."""

    n: int
    status: str
    percent: float = 0.0
    error: str = ""


def status_of(states: Iterable[State]) -> str:
    """queued, running, finished, failed or cancelled; a failed video decides only when all are closed."""
    found = {state.status for state in states}
    if found <= {*CLOSED}:
        return next((status for status in ("failed", "cancelled") if status in found), "finished")
    return "queued" if found == {"queued"} else "running"


def percent_of(states: Iterable[State]) -> float:
    """0 to 100; a video that failed or was cancelled stays where it stopped."""
    done = [100.0 if state.status == "finished" else state.percent for state in states]
    return sum(done) / len(done) if done else 100.0


def error_of(states: Sequence[State]) -> str:
    """The last error of each video that has one and is not finished, '' for none."""
    told = [state for state in states if state.error and state.status != "finished"]
    return " ".join(f"video {state.n}: {state.error}" if len(states) > 1 else state.error for state in told)
