"""How far a run is, folded from its events."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.events import (
    Event,
    Notice,
    PictureReady,
    Progress,
    RunFinished,
    RunStarted,
    StageFailed,
    StageFinished,
    StageStarted,
    as_mapping,
)
from qmv.live.progress import Live, folded

NODES = ("beats", "storyboard", "pictures", "video", "proof", "handoff", "delivery")
STARTED = RunStarted(at=0.0, folder="/runs/1", title="Song / neon", nodes=NODES)
FINISHED = RunFinished(at=99.0, status="finished", seconds=99.0)


def started(node: str, at: float = 0.0) -> StageStarted:
    return StageStarted(at=at, node=node, stage=f"make_{node}")


def done(node: str, at: float = 0.0, *, cached: bool = False) -> StageFinished:
    return StageFinished(at=at, node=node, stage=f"make_{node}", cached=cached, seconds=1.0)


def made(node: str, count: int, total: int, at: float = 0.0, reused: int = 0) -> Progress:
    return Progress(at=at, node=node, done=count, total=total, unit="pieces", reused=reused)


def states(*events: Event) -> list[Live]:
    """What is known after each event, which goes through JSON as in events.jsonl."""
    found = [Live()]
    for event in events:
        found.append(folded(found[-1], json.loads(json.dumps(as_mapping(event)))))
    return found[1:]


def after(*events: Event) -> Live:
    return states(*events)[-1]


# -- what is in work -------------------------------------------------------------------------------------------------


def test_fold_knows_the_run() -> None:
    live = after(STARTED)
    assert (live.title, live.stages, live.percent, live.left_s) == ("Song / neon", NODES, 0.0, None)


def test_fold_knows_the_stage_in_work_and_its_pieces() -> None:
    live = after(STARTED, started("pictures"), made("pictures", 3, 12))
    assert (live.stage, live.done, live.total, live.unit) == ("pictures", 3, 12, "pieces")


def test_fold_begins_each_stage_without_pieces() -> None:
    live = after(STARTED, started("pictures"), made("pictures", 12, 12), done("pictures"), started("video"))
    assert (live.stage, live.done, live.total, live.unit) == ("video", 0, 0, "")


def test_fold_keeps_the_last_notice() -> None:
    assert after(STARTED, Notice(at=1.0, node="beats", message="no beat was heard"), done("beats")).notice == (
        "no beat was heard"
    )


def test_fold_passes_over_pictures_and_what_it_does_not_know() -> None:
    live = after(STARTED)
    assert folded(live, as_mapping(PictureReady(node="pictures", index=0, file="/a.png"))) == live
    assert folded(live, {"event": "Tea", "at": 5.0}) == live


def test_fold_leaves_the_costs_to_who_knows_them() -> None:
    live = folded(Live(cost_usd="1.5"), as_mapping(STARTED))
    assert live.cost_usd == "1.5"


# -- percent ---------------------------------------------------------------------------------------------------------


def test_percent_counts_finished_stages_by_their_usual_share() -> None:
    assert after(STARTED, started("beats"), done("beats"), started("storyboard"), done("storyboard")).percent == (
        pytest.approx(4.0)
    )


def test_percent_counts_pieces_of_the_stage_in_work() -> None:
    assert after(STARTED, started("pictures"), made("pictures", 6, 12)).percent == pytest.approx(4 + 23)


def test_percent_counts_reused_pieces_as_done() -> None:
    assert after(STARTED, started("pictures"), made("pictures", 6, 12, reused=6)).percent == pytest.approx(4 + 23)


def test_percent_counts_cached_stages_as_done() -> None:
    assert after(STARTED, started("pictures"), done("pictures", cached=True)).percent == pytest.approx(4 + 46)


def test_percent_gives_each_unknown_stage_the_same_share() -> None:
    begun = RunStarted(at=0.0, folder="", title="", nodes=("knit", "purl"))
    assert after(begun, started("knit"), done("knit")).percent == pytest.approx(50.0)


def test_percent_reaches_100_with_the_end_of_the_run_alone() -> None:
    stages = [event for node in NODES for event in (started(node), done(node))]
    *_, last, end = states(STARTED, *stages, FINISHED)
    assert (last.percent, end.percent) == (99.9, 100.0)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_percent_stays_where_a_run_ended_badly(status: str) -> None:
    way = (STARTED, started("pictures"), made("pictures", 6, 12))
    failed = StageFailed(at=3.0, node="pictures", stage="", error="boom")
    live = after(*way, failed, RunFinished(at=3.0, status=status, seconds=3.0))
    assert (live.percent, live.left_s, live.stage) == (after(*way).percent, None, "pictures")


def test_percent_does_not_fall_when_a_stage_begins_anew() -> None:
    way = (STARTED, started("beats"), done("beats"), started("beats"))
    assert after(*way).percent == after(*way[:3]).percent


HALF = (started("video", 0.0), made("video", 2, 20, 7.4), made("video", 10, 20, 37.0))
"""Half of the film is made, 3.7 s a piece."""

# -- the time left ---------------------------------------------------------------------------------------------------


def test_time_left_is_not_known_before_some_pieces_were_made() -> None:
    way = (STARTED, started("video", 10.0), *(made("video", 5 + n, 20, 10.0 + n, reused=5) for n in range(4)))
    assert after(*way).left_s is None
    assert after(*way, made("video", 9, 20, 14.0, reused=5)).left_s is not None


def test_time_left_counts_at_the_pace_of_fresh_pieces() -> None:
    begun = RunStarted(at=0.0, folder="", title="", nodes=("video",))
    pieces = [made("video", 10 + n, 20, 10.0 + 2 * n, reused=10) for n in range(5)]
    assert after(begun, started("video", 10.0), *pieces).left_s == pytest.approx(6 * 2.0)  # 4 were made in 8 s


def test_time_left_counts_the_start_of_a_stage_half() -> None:
    begun = RunStarted(at=0.0, folder="", title="", nodes=("video",))
    live = after(begun, started("video", 0.0), made("video", 2, 20, 10.0), made("video", 4, 20, 12.0))
    assert live.left_s == pytest.approx(16 * (3.0 + 1.0) / 2)  # 3 s a piece with the start, 1 s without


def test_time_left_adds_the_stages_to_come_by_their_share() -> None:
    live = after(STARTED, *HALF)  # a percent takes 2 s
    assert live.left_s == pytest.approx(37.0 + 2.0 * (10 + 1 + 2))


def test_time_left_does_not_hold_a_slow_service_against_this_machine() -> None:
    pieces = [made("pictures", n, 20, 100.0 * n) for n in range(1, 11)]
    live = after(STARTED, started("pictures", 0.0), pieces[1], pieces[-1])
    assert live.left_s == pytest.approx(1000.0 + 20 * 1.5)


def test_time_left_is_none_while_everything_comes_from_the_cache() -> None:
    way = (STARTED, started("pictures"), made("pictures", 12, 12, 1.0, reused=12), done("pictures", 1.0, cached=True))
    assert after(*way).left_s is None


def test_time_left_counts_down_where_nothing_is_told() -> None:
    way = (STARTED, *HALF)
    later = after(*way, Notice(at=42.0, node="video", message="still here"))
    assert later.left_s == pytest.approx((after(*way).left_s or 0) - 5.0)


def test_time_left_is_unknown_again_when_it_has_come_to_nothing() -> None:
    way = (STARTED, *HALF)
    assert after(*way, Notice(at=4000.0, node="video", message="still here")).left_s is None


def test_time_left_does_not_jump() -> None:
    begun = RunStarted(at=0.0, folder="", title="", nodes=("video",))
    way = (begun, started("video", 0.0), made("video", 2, 100, 2.0), made("video", 50, 100, 50.0))
    stalled = made("video", 51, 100, 60.0)  # now 57 s by the pace, and 40 s by the clock
    calm, crowd = after(*way, stalled), after(*way, *[stalled] * 50)
    assert 40.0 < (calm.left_s or 0) < 57.7
    assert crowd.left_s == pytest.approx(calm.left_s)  # by time, not by the number of events


def test_time_left_is_nothing_at_the_end() -> None:
    assert after(STARTED, FINISHED).left_s == 0.0


def test_time_left_of_an_even_run_is_true_to_a_second() -> None:
    """Stages that take what they usually do, a percent a second."""
    shares = {"beats": 3, "storyboard": 1, "pictures": 46, "video": 37, "proof": 10, "handoff": 1, "delivery": 2}
    events: list[Event] = [STARTED]
    clock = 0.0
    for node, share in shares.items():
        events.append(started(node, clock))
        events += [made(node, 10 * piece, 10 * share, clock + piece) for piece in range(1, share + 1)]
        clock += share
        events.append(done(node, clock))
    known = [live for live in states(*events) if live.left_s is not None]
    assert len(known) > 90
    assert max(abs(live.left_s - (100 - live.at)) for live in known if live.left_s is not None) < 1.0


# -- whatever comes --------------------------------------------------------------------------------------------------

JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), st.sampled_from([10**400, -(10**400)]),
)  # fmt: skip
NODE = st.one_of(st.sampled_from(NODES), st.just("knit"), JUNK)
NAMES = ["RunStarted", "StageStarted", "Progress", "Notice", "StageFinished", "StageFailed", "RunFinished"]


def a_number(most: int) -> st.SearchStrategy[Any]:
    return st.one_of(st.integers(0, most), st.floats(0, most), JUNK)


EVENT = st.fixed_dictionaries(
    {"event": st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), JUNK)},
    optional={
        "at": a_number(1000), "node": NODE, "nodes": st.one_of(st.just([*NODES]), st.lists(NODE, max_size=4), JUNK),
        "done": a_number(20), "total": a_number(20), "reused": a_number(20), "unit": JUNK, "title": JUNK,
        "message": JUNK, "seconds": a_number(50), "cached": JUNK,
        "status": st.one_of(st.sampled_from(["finished", "failed", "cancelled"]), JUNK),
    },
)  # fmt: skip


def all_states(events: Iterable[Any]) -> Iterable[tuple[Any, Live, Live]]:
    live = Live()
    for event in events:
        before, live = live, folded(live, event)
        yield event, before, live


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(EVENT, EVENT, JUNK), max_size=30))
def test_fold_keeps_its_promises_whatever_comes(events: list[Any]) -> None:
    finished = False
    for event, before, live in all_states(events):
        if isinstance(event, Mapping) and event.get("event") == "RunFinished":
            finished = finished or event.get("status") == "finished"
        assert 0.0 <= before.percent <= live.percent <= 100.0
        assert (live.percent == 100.0) == finished
        assert live.left_s is None or live.left_s >= 0.0
        assert 0 <= live.done <= live.total
        plain = json.loads(json.dumps(dataclasses.asdict(live), allow_nan=False))
        assert Live(**{**plain, "stages": tuple(plain["stages"])}) == live
