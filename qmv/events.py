"""What happens during a run, as values: the terminal, events.jsonl and any observer plugin see the same ones.

Imports nothing of QMV.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Event", "Notice", "PictureReady", "Progress", "RunFinished", "RunStarted", "StageFailed", "StageFinished",
    "StageStarted", "as_mapping",
]  # fmt: skip


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
class PictureReady(Event):
    """The picture of shot `index` (from 0) can be looked at: `file` is its absolute path in the cache, a PNG of the
    video's size. Each shot is told of once a run, also where its picture is another shot's too or came from the cache;
    the order in which they come is nobody's."""

    node: str
    index: int
    file: str


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
    was measured of it. `error_kind` names the class of qmv.errors that a failure is of, 'QmvError' for one that nobody
    foresaw, '' for none; `deliveries` are those of the manifest: url, key, sha256, size_bytes ..."""

    status: str
    seconds: float
    result: str = ""
    error: str = ""
    error_kind: str = ""
    summary: str = ""
    deliveries: tuple[Mapping[str, Any], ...] = ()


def as_mapping(event: Event) -> dict[str, Any]:
    """An event as events.jsonl has it: its fields, and its type by the name `event`."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}
