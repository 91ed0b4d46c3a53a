"""Storyboards whose writer costs money, or fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.errors import AccessError, ServiceError
from qmv.events import Event, Notice
from qmv.plugins.writer.template import Template
from qmv.stages.write_storyboard import WriteStoryboard
from qmv.testing import stage_context, style
from tests.stages.storyboards import Service, a_song, beats, written


def test_storyboard_is_written_by_the_stand_in_of_a_writer_that_fails(tmp_path: Path) -> None:
    seen: list[Event] = []
    given = {"song": a_song(tmp_path), "style": style(), "beats": beats()}
    plan = WriteStoryboard(writer=Service()).run(stage_context(tmp_path, publish=seen.append), **given)
    assert (plan.stand_in, plan.provisional) == ("template", True)
    assert plan.shots == written(tmp_path, beats()).shots
    [told] = [event.message for event in seen if isinstance(event, Notice)]
    assert told.startswith("the writer template stands in for service, which failed: ")
    assert told.endswith(": writer (service): is out of order; try again later.")


def test_storyboard_fails_with_a_writer_that_gives_no_way(tmp_path: Path) -> None:
    stage = WriteStoryboard(writer=Service(yields=False))
    with pytest.raises(ServiceError, match="is out of order"):
        stage.run(stage_context(tmp_path), song=a_song(tmp_path), style=style(), beats=beats())


def test_draft_is_the_stand_ins_and_says_nothing(tmp_path: Path) -> None:
    seen: list[Event] = []
    given = {"song": a_song(tmp_path), "style": style(), "beats": beats()}
    plan = WriteStoryboard(writer=Service(yields=False)).draft(stage_context(tmp_path, publish=seen.append), **given)
    assert plan is not None
    assert (plan.stand_in, plan.shots) == ("template", written(tmp_path, beats()).shots)
    assert not [event for event in seen if isinstance(event, Notice)]
    assert WriteStoryboard(writer=Template()).draft(stage_context(tmp_path), **given) is None


def test_storyboard_plans_where_its_writer_is_free(tmp_path: Path) -> None:
    paid, free = WriteStoryboard(writer=Service(yields=False)), WriteStoryboard(writer=Template())
    edited = WriteStoryboard(writer=Service(), storyboard=str(tmp_path / "storyboard.yaml"))
    assert [stage.planning for stage in (paid, free, edited)] == [False, True, True]
    free.ready(stage_context(tmp_path))
    edited.ready(stage_context(tmp_path))  # no writer is asked
    with pytest.raises(AccessError, match="has no key"):
        paid.ready(stage_context(tmp_path))
