"""Pictures: each made once, of the size of the format, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qmv.artifacts import Artifact
from qmv.errors import QmvError
from qmv.events import Event, Progress
from qmv.media.picture import read
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import StageContract, stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls
from tests.stages.painting import painted, tally


class TestPaintPictures(StageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> PaintPictures:
        return PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)

    @pytest.fixture
    def given(self) -> dict[str, Artifact]:
        return {"style": style(), "storyboard": board([12, 12, 12])}


def test_paint_makes_one_picture_for_each_shot_in_order(tmp_path: Path) -> None:
    made = painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    greys = [int(read(picture.file.path)[0, 0, 0]) for picture in made.pictures]
    assert greys == [11, 12, 13]  # the seeds of these shots


def test_paint_tells_where_each_picture_came_from(tmp_path: Path) -> None:
    [picture] = painted(tmp_path, tally(tmp_path), board([12])).pictures
    assert (picture.provider, picture.seed, picture.prompt) == ("tally", 11, "picture 0")


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (16, 16), (128, 54)], ids=str)
def test_paint_crops_to_the_format(tmp_path: Path, size: tuple[int, int]) -> None:
    [picture] = painted(tmp_path, tally(tmp_path), board([12]), width=size[0], height=size[1]).pictures
    assert read(picture.file.path).shape == (size[1], size[0], 3)


def test_paint_reuses_cached_pictures(tmp_path: Path) -> None:
    for _ in range(2):
        painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [0, 1, 2]


def test_paint_asks_only_for_what_is_new(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [0, 1, 2]


def test_paint_makes_a_picture_that_two_shots_want_once(tmp_path: Path) -> None:
    plan = board([12, 12, 12])
    twins = tuple(replace(shot, prompt="the same", seed=5) for shot in plan.shots)
    made = painted(tmp_path, tally(tmp_path), replace(plan, shots=twins))
    assert len(calls(tmp_path / "ledger")) == 1
    assert len({picture.file.path for picture in made.pictures}) == 1


def test_paint_counts_what_was_reused(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    seen: list[Event] = []
    stage = PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)
    ctx = stage_context(tmp_path, publish=seen.append)
    stage.run(ctx, style=style(), storyboard=board([12, 12, 12]))
    assert (ctx.counts["total"], ctx.counts["made"], ctx.counts["reused"]) == (3, 1, 2)
    assert [event.done for event in seen if isinstance(event, Progress)] == [2, 3]


def test_paint_forecasts_what_is_missing(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    stage = PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)
    outlook = stage.forecast(stage_context(tmp_path), style=style(), storyboard=board([12, 12, 12]))
    assert outlook == "1 pictures to make, 2 cached"


def test_paint_keeps_the_siblings_of_a_picture_that_fails(tmp_path: Path) -> None:
    with pytest.raises(QmvError, match="picture 1 fails on purpose"):
        painted(tmp_path, tally(tmp_path, failing=(1,)), board([12, 12, 12]))
    painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [0, 1, 1, 2]


@pytest.mark.parametrize("name", ["width", "height"])
def test_paint_refuses_an_odd_size(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be even \(H.264 stores colour for 2 x 2 pixels\), got 37"):
        PaintPictures(image=tally(tmp_path), **{name: 37})
