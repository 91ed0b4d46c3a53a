"""How far a video is, folded from the events of its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Live", "folded"]


@dataclass(frozen=True, kw_only=True)
class Live:
    """How far one run is. `stages` are its nodes in their order, `stage` the one in work, which has `done` of `total`
    `unit`s. `percent` (0 to 100) is of the whole run and never falls; `left_s` is None where nobody can know yet."""

    title: str = ""
    stages: tuple[str, ...] = ()
    stage: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""
    percent: float = 0.0
    left_s: float | None = None
    notice: str = ""
    cost_usd: str = "0"


def folded(live: Live, event: Mapping[str, Any]) -> Live:
    """What is known after one more event, given as events.jsonl has it: `event` names its type, `at` is in seconds."""
    raise NotImplementedError
