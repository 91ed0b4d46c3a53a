"""How far a video is, folded from the events of its run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Live", "folded"]

# Shares of a whole run in percent: the mean of the demo song at 1024x1024 as a draft, in standard quality, and with a
# service that takes long for its pictures (docs/observers.md has the three).
_WEIGHTS = {
    "beats": 3.0, "storyboard": 1.0, "pictures": 46.0, "video": 37.0, "proof": 10.0, "handoff": 1.0, "delivery": 2.0,
}  # fmt: skip
_WEIGHT = 10.0  # of a node that is none of these
_TELLING = 5.0  # a stage that is lighter says nothing about how long the others take
_FIRST = 2  # pieces, that are made before a pace can be known, and as many again: the first wait for a start
_SLOWEST_S = 1.5  # for all that follows a picture: slow services say nothing of this machine, which took 0.7 s
_NEARLY = 99.9  # the rest is the end of the run
_LATEST = 1e11  # seconds since 1970 that a clock may tell
_MOST = 2**53  # pieces


@dataclass(frozen=True, kw_only=True)
class Live:
    """How far one run is. `stages` are its nodes in their order, `stage` the one in work, which has `done` of `total`
    `unit`s. `percent` (0 to 100) is of the whole run and never falls; `left_s` is None where nobody can know yet, and
    counts from `at`, the time of the last event. The fields after `at` are for the folding alone."""

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
    at: float = 0.0
    began_at: float = 0.0  # when the stage in work began
    first_at: float = 0.0  # when it had made its first pieces
    first: int = 0  # how many they were
    pace: float | None = None  # seconds for one percent of `_WEIGHTS`


def folded(live: Live, event: Mapping[str, Any]) -> Live:
    """What is known after one more event, given as events.jsonl has it: `event` names its type, `at` is in seconds.

    Whatever a mapping holds, this raises nothing; what it cannot read changes nothing.

    The time left is the stage's own pieces at the pace of those that this run made, and its share and theirs of a usual
    run for the stages to come. A new estimate takes over in some seconds, however many events come in them, so that the
    number doesn't jump; between estimates it counts down, and where it has come to nothing, it is not known any more.
    """
    kind = event.get("event") if isinstance(event, Mapping) else None
    fold = _FOLDS.get(kind) if isinstance(kind, str) else None
    return live if fold is None else fold(live, event)


def _run_started(live: Live, event: Mapping[str, Any]) -> Live:
    nodes = event.get("nodes")
    stages = tuple(node for node in nodes if isinstance(node, str)) if isinstance(nodes, list | tuple) else ()
    return replace(
        live, title=_text(event, "title"), stages=stages, stage="", done=0, total=0, unit="", left_s=None,
        notice="", at=_at(live, event), pace=None,
    )  # fmt: skip


def _stage_started(live: Live, event: Mapping[str, Any]) -> Live:
    node, at = _text(event, "node"), _at(live, event)
    live = replace(_counted_down(live, at), stage=node, done=0, total=0, unit="", began_at=at, first=0)
    return _risen(live, _before(live, node))


def _progress(live: Live, event: Mapping[str, Any]) -> Live:
    node, total = _text(event, "node"), _count(event, "total")
    if node != live.stage:  # of a run whose beginning nobody saw
        live = _stage_started(live, event)
    done = min(_count(event, "done"), total)
    at, fresh = _at(live, event), done - min(_count(event, "reused"), done)
    if fresh >= _FIRST and not live.first:
        live = replace(live, first_at=at, first=fresh)
    pace, left_s = live.pace, None
    if (piece_s := _piece_s(live, at, fresh)) is not None:
        pace = _pace(node, piece_s, total) if _weight(node) >= _TELLING else pace
        left_s = _left_s(live, node, piece_s * (total - done), pace)
    live = _counted_down(live, at) if left_s is None else _blended(live, at, left_s)
    live = replace(live, done=done, total=total, unit=_text(event, "unit"), pace=pace)
    return _risen(live, _before(live, node) + _weight(node) * (done / total if total else 0.0))


def _notice(live: Live, event: Mapping[str, Any]) -> Live:
    return replace(_counted_down(live, _at(live, event)), notice=_text(event, "message"))


def _stage_finished(live: Live, event: Mapping[str, Any]) -> Live:
    node = _text(event, "node")
    live = _counted_down(live, _at(live, event))
    if node == live.stage:
        live = replace(live, done=live.total)
    return _risen(live, _before(live, node) + _weight(node))


def _stage_failed(live: Live, event: Mapping[str, Any]) -> Live:
    return replace(live, left_s=None, at=_at(live, event))


def _run_finished(live: Live, event: Mapping[str, Any]) -> Live:
    at = _at(live, event)
    if event.get("status") != "finished":
        return replace(live, left_s=None, at=at)
    return replace(live, stage="", done=0, total=0, unit="", percent=100.0, left_s=0.0, at=at)


_FOLDS = {
    "RunStarted": _run_started, "StageStarted": _stage_started, "Progress": _progress, "Notice": _notice,
    "StageFinished": _stage_finished, "StageFailed": _stage_failed, "RunFinished": _run_finished,
}  # fmt: skip


# -- how much, how long ----------------------------------------------------------------------------------------------


def _weight(node: str) -> float:
    return _WEIGHTS.get(node, _WEIGHT)


def _before(live: Live, node: str) -> float:
    """The weight of the stages before one; minus infinity for a stage that the run doesn't have."""
    if node not in live.stages:
        return -math.inf
    return sum(_weight(stage) for stage in live.stages[: live.stages.index(node)])


def _risen(live: Live, weight: float) -> Live:
    """With so much of the run's weight done; never less than before."""
    whole = sum(_weight(stage) for stage in live.stages)
    percent = min(_NEARLY, 100.0 * weight / whole) if whole else 0.0
    return replace(live, percent=max(live.percent, percent))


def _piece_s(live: Live, at: float, fresh: int) -> float | None:
    """What a piece takes: between the mean of all, which has the start in it, such as of processes or the loading of a
    model, and the mean of the later ones, which looks too quick where a service gives several at once."""
    if not live.first or fresh < live.first + _FIRST:
        return None
    return ((at - live.began_at) / fresh + (at - live.first_at) / (fresh - live.first)) / 2


def _pace(node: str, piece_s: float, total: int) -> float:
    """Seconds for a percent of a usual run, by what a whole stage takes."""
    pace = piece_s * total / _weight(node)
    if node != "pictures":
        return pace
    after = sum(_WEIGHTS[name] for name in ("video", "proof", "handoff", "delivery"))
    return min(pace, _SLOWEST_S * total / after)


def _left_s(live: Live, node: str, own_s: float, pace: float | None) -> float | None:
    if node not in live.stages:
        return None
    to_come = sum(_weight(stage) for stage in live.stages[live.stages.index(node) + 1 :])
    if not to_come:
        return own_s
    return None if pace is None else own_s + to_come * pace


def _counted_down(live: Live, at: float) -> Live:
    """Later, and nothing new is known."""
    left_s = None if live.left_s is None else live.left_s - (at - live.at)
    return replace(live, left_s=None if left_s is None or left_s <= 0 else left_s, at=at)


def _blended(live: Live, at: float, left_s: float) -> Live:
    """A new estimate takes over, the sooner the nearer the end is."""
    if live.left_s is None:
        return replace(live, left_s=left_s, at=at)
    expected_s = max(0.0, live.left_s - (at - live.at))
    share = 1.0 - math.exp(-(at - live.at) / min(5.0, 0.5 + left_s / 10))
    return replace(live, left_s=expected_s + share * (left_s - expected_s), at=at)


# -- what damaged lines hold -----------------------------------------------------------------------------------------


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _count(event: Mapping[str, Any], name: str) -> int:
    value = event.get(name)
    return max(0, min(_MOST, value)) if isinstance(value, int) and not isinstance(value, bool) else 0


def _at(live: Live, event: Mapping[str, Any]) -> float:
    """Never earlier than the event before: clocks are set."""
    value = event.get("at")
    told = isinstance(value, int | float) and 0 <= value < _LATEST
    return max(live.at, float(value)) if told else live.at  # type: ignore[arg-type]
