"""Tables and verdicts of the rendering benchmark: functions of what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Cost, median_cost
from benchmarks.render_bench import MOVIEPY, MOVIEPY_DOCS, MOVIEPY_MEDIUM, QMV, QMV2, QMV_QUICK, X264, X264_OWN, Result
from benchmarks.render_growth import Grown

__all__ = ["Limit", "case_limits", "figures", "growth_limits", "ratio", "row"]

CPU_LIMITS = {"stills": 1.10, "motion": 1.15, "three effects": 1.35}  # the last that a case's name holds
WALL_LIMIT, MOVIEPY_LIMIT, VMAF_SLACK = 1.10, 5.0, 0.5
MEMORY_MB, MEMORY_DRIFT, REAL_TIME = 700.0, 0.10, 2.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A claim and what was measured of it; `at_least` where more is better."""

    claim: str
    value: float
    limit: float
    at_least: bool = False
    note: str = ""

    @property
    def kept(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def ratio(results: Iterable[Result], by: str, against: str, what: str = "cpu_s") -> float | None:
    """The median of the rounds' ratios, since both sides of each saw the same load; None where one is missing."""
    costs: dict[str, list[Cost]] = {result.by: result.costs for result in results}
    if not (costs.get(by) and costs.get(against)):
        return None
    return float(statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(costs[by], costs[against])))


def figures(result: Result, results: Sequence[Result]) -> dict[str, Any]:
    """One way of making one video, in plain values; `results` are all the ways of making it."""
    wall_s, cpu_s = median_cost(result.costs)
    return {
        "size": str(result.job.size), "case": result.job.case, "by": result.by, "frames": result.job.frames,
        "cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": max(cost.peak_mb for cost in result.costs),
        "bytes": result.size_bytes,
        "vmaf": result.vmaf and result.vmaf.mean, "vmaf_least": result.vmaf and result.vmaf.least,
        "cpu_of_x264": ratio(results, result.by, X264), "wall_of_ffmpeg": ratio(results, result.by, X264_OWN, "wall_s"),
        "cpu_s_rounds": [cost.cpu_s for cost in result.costs], "wall_s_rounds": [cost.wall_s for cost in result.costs],
    }  # fmt: skip


def row(found: dict[str, Any]) -> list[str]:
    """The cells of a table's row."""
    costs = [cell(found[name], form) for name, form in (("cpu_s", ".1f"), ("wall_s", ".1f"), ("peak_mb", ".0f"))]
    ratios = [cell(found[name], ".2f") for name in ("cpu_of_x264", "wall_of_ffmpeg")]
    marks = [cell(found["bytes"] / 1e6, ".2f"), cell(found["vmaf"], ".2f"), cell(found["vmaf_least"], ".1f")]
    return [found["case"], found["by"], *costs, *ratios, *marks]


def cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def case_limits(results: Sequence[Result]) -> list[Limit]:
    """What is promised of one video; a claim of which one side was not measured is left out."""
    case = f"{results[0].job.size} {results[0].job.case}"
    limits = []
    if (cpu := ratio(results, QMV, X264)) is not None:
        most = [limit for words, limit in CPU_LIMITS.items() if words in case][-1]
        limits.append(Limit(claim=f"{case}: CPU of 1 worker, of x264 alone", value=cpu, limit=most))
    if (wall := ratio(results, QMV2, X264_OWN, "wall_s")) is not None:
        limits.append(Limit(claim=f"{case}: wall of 2 workers, of ffmpeg's own threads", value=wall, limit=WALL_LIMIT))
    quick = f"{case}: CPU of MoviePy, of QMV's at the same VMAF"
    usual = f"{case}: CPU of MoviePy's own defaults and resized(), of QMV's at the same VMAF"
    return limits + _moviepy(results, MOVIEPY, MOVIEPY, quick) + _moviepy(results, MOVIEPY_DOCS, MOVIEPY_MEDIUM, usual)


def _moviepy(results: Sequence[Result], by: str, looks: str, claim: str) -> list[Limit]:
    """Only at the same quality is it a comparison: a QMV that looks worse has a value of 0. `looks` is the rendering
    with the same preset and crf whose frames can be compared. With the same preset and crf on both sides no renderer
    could be five times as cheap, since x264 alone takes more than a fifth of what MoviePy takes.
    """
    times = ratio(results, by, QMV_QUICK)
    if times is None:
        return []
    ours, theirs = ({result.by: result.vmaf for result in results}.get(name) for name in (QMV_QUICK, looks))
    note = ""
    if ours and theirs:
        note = f"VMAF of QMV {ours.mean:.2f}, of MoviePy {theirs.mean:.2f}"
        if ours.mean < theirs.mean - VMAF_SLACK:
            times, note = 0.0, f"{note}: not the same quality"
    if (same := ratio(results, by, QMV)) is not None:
        note = f"{note}; {same:.1f} times QMV's at the settings of the table"
    return [Limit(claim=claim, value=times, limit=MOVIEPY_LIMIT, at_least=True, note=note)]


def growth_limits(grown: Sequence[Grown]) -> list[Limit]:
    """What is promised of long videos: memory that does not grow, and more than real time."""
    limits = [
        Limit(claim=f"{one.name}: peak memory, MB", value=one.cost.peak_mb, limit=MEMORY_MB) for one in grown
    ]  # fmt: skip
    for case in dict.fromkeys(one.job.case for one in grown):
        lengths = sorted((one for one in grown if one.job.case == case), key=lambda one: one.minutes)
        if len(lengths) > 1:
            drift = lengths[-1].cost.peak_mb / lengths[0].cost.peak_mb - 1
            claim = f"{case}: memory of {lengths[-1].minutes:g} min above that of {lengths[0].minutes:g} min"
            limits.append(Limit(claim=claim, value=drift, limit=MEMORY_DRIFT))
        if case == "motion, crossfade":
            claim, longest = f"{lengths[-1].name}: times real time", lengths[-1]
            limits.append(Limit(claim=claim, value=longest.real_time, limit=REAL_TIME, at_least=True))
    return limits
