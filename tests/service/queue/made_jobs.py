"""Jobs as values, of which tests look at one step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qmv.service.queue import admission, steps
from qmv.service.queue.board import Limits
from qmv.service.queue.jobs import Job, Order

__all__ = ["NOW", "ORDER", "job_of", "running"]

NOW = 1_800_000_000.0
ORDER = Order(song="/songs/a.wav", title="A", style="neon")


def running(**changes: Any) -> Job:
    job = steps.claimed(job_of(), "token", Limits(), NOW)
    return replace(job, **changes)


def job_of(**changes: Any) -> Job:
    return replace(admission.queued([ORDER], {}, 5, NOW)[1], **changes)
