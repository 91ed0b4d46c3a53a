"""Pictures that can be seen before the video: each is told of where it lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qmv.artifacts import Storyboard
from qmv.events import Event, PictureReady
from qmv.media.picture import read
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls
from tests.stages.painting import painted, shop, tally


def shown(tmp_path: Path, plan: Storyboard, **settings: object) -> list[tuple[int, Path]]:
    """The shots whose picture was told of, with its file, in the order in which that was done."""
    seen: list[Event] = []
    stage = PaintPictures(**({"width": WIDTH, "height": HEIGHT} | settings))
    made = stage.run(stage_context(tmp_path, publish=seen.append), style=style(), storyboard=plan)
    found = {event.index: Path(event.file) for event in seen if isinstance(event, PictureReady)}
    kept = [index for index in range(len(plan.shots)) if index not in made.missing]
    assert [found[index] for index in kept] == [picture.file.path.absolute() for picture in made.pictures]
    return [(event.index, Path(event.file)) for event in seen if isinstance(event, PictureReady)]


def test_paint_tells_of_each_picture_once_where_it_lies(tmp_path: Path) -> None:
    told = shown(tmp_path, board([12, 12, 12]), image=tally(tmp_path))
    assert sorted(index for index, _ in told) == [0, 1, 2]
    assert [read(file).shape for _, file in told] == [(HEIGHT, WIDTH, 3)] * 3


def test_paint_tells_of_a_picture_before_the_next_one_is_made(tmp_path: Path) -> None:
    seen: list[Event] = []
    stage = PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)
    stage.run(stage_context(tmp_path, publish=seen.append), style=style(), storyboard=board([12, 12]))
    kinds = [type(event).__name__ for event in seen]
    assert kinds == ["Progress", "Progress", "PictureReady", "Progress", "PictureReady"]


def test_paint_tells_of_each_shot_that_uses_a_picture(tmp_path: Path) -> None:
    plan = board([12, 12, 12])
    twins = tuple(replace(shot, prompt="the same", seed=5) for shot in plan.shots)
    told = shown(tmp_path, replace(plan, shots=twins), image=tally(tmp_path))
    assert ([index for index, _ in told], len({file for _, file in told})) == ([0, 1, 2], 1)


def test_paint_tells_first_of_what_is_there_already(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    (tmp_path / "ledger").unlink()
    assert [index for index, _ in shown(tmp_path, board([12, 12, 12]), image=tally(tmp_path))] == [0, 1, 2]
    assert calls(tmp_path / "ledger") == [2]


def test_paint_tells_of_pictures_that_were_bought_for_another_format(tmp_path: Path) -> None:
    shown(tmp_path, board([12, 12]), image=shop(tmp_path))
    told = shown(tmp_path, board([12, 12, 12]), image=shop(tmp_path), width=HEIGHT, height=WIDTH)
    assert sorted(index for index, _ in told) == [0, 1, 2]
    assert [read(file).shape for _, file in told] == [(WIDTH, HEIGHT, 3)] * 3


def test_paint_tells_of_stand_ins_and_not_of_what_is_missing(tmp_path: Path) -> None:
    plan, image = board([12, 12, 12]), shop(tmp_path, ways={"1": "refused"})
    assert sorted(index for index, _ in shown(tmp_path / "a", plan, image=image, on_missing="hold")) == [0, 2]
    told = shown(tmp_path / "b", plan, image=image, on_missing="fallback", fallback=tally(tmp_path))
    assert sorted(index for index, _ in told) == [0, 1, 2]
