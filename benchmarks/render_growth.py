"""How cost and memory grow with the length of a video, by QMV with two workers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Cost
from benchmarks.render_bench import Job, run_job
from benchmarks.render_cases import case_named

__all__ = ["Grown", "Length", "figures", "grow"]

WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Length:
    """A case and how many minutes of it."""

    minutes: float
    case: str

    @classmethod
    def of(cls, text: str) -> Length:
        """From MINUTES or MINUTES:CASE, where CASE is a part of a case's name (motion, crossfade)."""
        minutes, _, case = text.partition(":")
        try:
            return cls(minutes=float(minutes), case=case_named(case or "motion, crossfade"))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be MINUTES:CASE, got '{text}' ({error})") from error


@dataclass(frozen=True, kw_only=True)
class Grown:
    """One long rendering."""

    job: Job
    cost: Cost
    size_bytes: int

    @property
    def minutes(self) -> float:
        return self.job.frames / self.job.size.fps / 60

    @property
    def name(self) -> str:
        return f"{self.job.size} {self.job.case}, {self.minutes:g} min"

    @property
    def real_time(self) -> float:
        """Seconds of video in a second by the clock."""
        return 60 * self.minutes / self.cost.wall_s


def grow(job: Job) -> Grown:
    out = job.work / "grown.mp4"
    cost = run_job(job, "qmv", out, WORKERS)
    made = Grown(job=job, cost=cost, size_bytes=out.stat().st_size)
    out.unlink()
    return made


def figures(grown: Grown) -> dict[str, Any]:
    """In plain values."""
    return {
        "size": str(grown.job.size), "case": grown.job.case, "minutes": grown.minutes, "workers": WORKERS,
        "cpu_s_a_minute": grown.cost.cpu_s / grown.minutes, "wall_s": grown.cost.wall_s,
        "real_time": grown.real_time, "peak_mb": grown.cost.peak_mb, "bytes": grown.size_bytes,
    }  # fmt: skip
