"""What happens during a run, as values: the terminal, events.jsonl and any observer plugin see the same ones.

Imports nothing of QMV.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

__all__ = ["Event", "Notice", "Progress", "RunFinished", "RunStarted", "StageFailed", "StageFinished", "StageStarted"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all; `at` is seconds since 1970."""

    at: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """`nodes` in the order in which they will run."""

    folder: str
    title: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StageStarted(Event):
    node: str
    stage: str


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """`done` of `total` pieces; `reused` of them came from the cache. `detail` tells what they are like."""

    node: str
    done: int
    total: int
    unit: str
    reused: int = 0
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice(Event):
    """A sentence that the user should read, though the run goes on."""

    node: str
    message: str


@dataclass(frozen=True, kw_only=True)
class StageFinished(Event):
    """`cached`: loaded whole from an earlier run."""

    node: str
    stage: str
    cached: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class StageFailed(Event):
    node: str
    stage: str
    error: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """`status` is finished, failed or cancelled; `result` is the path or address of what was made last, `summary` what
    was measured of it."""

    status: str
    seconds: float
    result: str = ""
    error: str = ""
    summary: str = ""
