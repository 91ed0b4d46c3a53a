"""The plan of a run: keys that hang on what was made, and what an earlier run has made."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import pytest

from qmv.api import Context, Stage, plugin
from qmv.artifacts import Beats, File, Song
from qmv.engine.run_plan import RunPlan
from qmv.errors import ConfigError
from tests.engine.desk import STYLE, Desk, Film, Listen

BEATS = Beats(
    times_s=(0.5,), bar_position=(1,), tempo_bpm=120.0, confidence=1.0, duration_s=Fraction(3), notes=("so",)
)  # fmt: skip


@plugin
class ListenAgain(Stage):
    name = "listen_again"
    by_result: ClassVar[bool] = True

    def run(self, ctx: Context, song: Song) -> Beats:
        return BEATS


@pytest.fixture
def given(song: Path) -> Song:
    return Song(file=File.of(song), title="song", artist="", start_s=0.0, end_s=None)


def planned(song: Song, listener: Stage) -> RunPlan:
    plan = RunPlan(stages={"beats": listener, "video": Film()}, style=STYLE)
    plan.begin(song)
    return plan


def keys(plan: RunPlan) -> list[str]:
    assert [record.key for record in plan.records] == [node.key for node in plan.nodes]
    return [node.key for node in plan.nodes]


def test_plan_begins_with_the_song_and_the_style(given: Song) -> None:
    plan = planned(given, Listen())
    assert (plan.values, plan.song) == ({"song": given, "style": STYLE}, given)
    assert [(record.node, record.stage, record.status) for record in plan.records] == [
        ("beats", "listen", "waiting"), ("video", "film", "waiting"),
    ]  # fmt: skip


def test_plan_that_begins_anew_has_nothing_made(given: Song) -> None:
    plan = planned(given, ListenAgain())
    first, plan.values["beats"] = keys(plan), BEATS
    plan.rekey(plan.nodes[0])
    plan.begin(given)
    assert ("beats" in plan.values, plan.results, keys(plan)) == (False, {}, first)


def test_key_does_not_hang_on_what_a_stage_made(given: Song) -> None:
    plan = planned(given, Listen())
    before, plan.values["beats"] = keys(plan), BEATS
    plan.rekey(plan.nodes[0])
    assert keys(plan) == before


class Guess(Beats):
    """Beats in which something stands in for what was wanted."""

    provisional = True


@pytest.mark.parametrize(("listener", "kind"), [(ListenAgain(), Beats), (Listen(), Guess)])
def test_key_hangs_on_a_result_where_the_stage_says_so_or_it_is_provisional(
    given: Song, listener: Stage, kind: type[Beats]
) -> None:
    plan = planned(given, listener)
    before, found = keys(plan), []
    for tempo_bpm in (120.0, 120.0, 90.0):
        plan.begin(given)
        plan.values["beats"] = kind(**vars(BEATS) | {"tempo_bpm": tempo_bpm})
        plan.rekey(plan.nodes[0])
        found.append(keys(plan))
    assert found[0] == found[1]
    assert [found[0][0], found[2][0]] == [before[0]] * 2
    assert len({before[1], found[0][1], found[2][1]}) == 3


def test_known_are_the_inputs_that_are_there(given: Song) -> None:
    plan = planned(given, Listen())
    assert [plan.known(node) for node in plan.nodes] == [{"song": given}, {}]


def test_made_before_finds_what_a_run_has_left_and_leaves_the_plan_as_it_is(desk: Desk) -> None:
    desk.run()
    run = desk.prepared(desk.stages())
    run.plan.begin(run._open_song())
    before = keys(run.plan)
    assert run.plan.made_before(run.work.made) == {"beats", "video"}
    assert (sorted(run.plan.values), keys(run.plan)) == (["song", "style"], before)


def test_mistake_in_the_graph_leaves_no_records(given: Song) -> None:
    plan = RunPlan(stages={"video": Film()}, style=STYLE)
    with pytest.raises(ConfigError, match="reads 'beats', which nothing makes"):
        plan.begin(given)
    assert plan.records == []
