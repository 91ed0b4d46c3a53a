"""A second run into the folder of a video editor: what the editor made there is kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.artifacts import File, Pictures
from qmv.events import Event, Notice
from qmv.plugins.transition.cut import Cut
from qmv.stages.hand_off import HandOffEdit
from tests.stages.handing import Inputs, handed, to_hand_on
from tests.stages.helpers import board


@pytest.fixture
def given(tmp_path: Path, click_track: Callable[..., Path]) -> Inputs:
    return to_hand_on(tmp_path, click_track)


def test_second_run_in_a_folder_leaves_only_its_own_pictures_and_what_the_editor_put_there(
    tmp_path: Path, given: Inputs
) -> None:
    folder = handed(tmp_path, given).folder
    (folder / "pictures" / "my retouch.png").write_bytes(b"mine")
    (folder / "cut.drp").write_bytes(b"mine")
    renamed = dataclasses.replace(board([72]).shots[0], subject="a night train")
    pictures = given["pictures"]
    assert isinstance(pictures, Pictures)
    one = dataclasses.replace(pictures, pictures=pictures.pictures[:1])
    made = handed(tmp_path, given | {"storyboard": dataclasses.replace(board([72]), shots=(renamed,)), "pictures": one})
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == [
        "001_a_wide_shot_a_night_train.png",
        "my retouch.png",
    ]
    assert (folder / "cut.drp").exists()
    assert "cut.drp" not in made.files


def test_second_run_keeps_pictures_of_the_editor_that_are_named_like_ours(tmp_path: Path, given: Inputs) -> None:
    folder = handed(tmp_path, given).folder
    for name in ("007_chorus_final_grade.png", "100_title.png"):
        (folder / "pictures" / name).write_bytes(b"mine")
    handed(tmp_path, given)
    for name in ("007_chorus_final_grade.png", "100_title.png"):
        assert (folder / "pictures" / name).read_bytes() == b"mine"


def retouched(path: Path) -> None:
    """As most editors save: another file under the same name."""
    path.with_suffix(".new").write_bytes(b"mine")
    path.with_suffix(".new").replace(path)


def test_second_run_puts_what_was_changed_aside_and_says_so(tmp_path: Path, given: Inputs) -> None:
    folder = handed(tmp_path, given).folder
    name = "001_a_wide_shot_a_lighthouse"
    ours = (folder / f"pictures/{name}.png").read_bytes()
    retouched(folder / f"pictures/{name}.png")
    retouched(folder / "timeline.otio")
    heard: list[Event] = []
    made = handed(tmp_path, given, heard=heard)
    assert (folder / f"pictures/{name}.png").read_bytes() == ours
    assert (folder / f"pictures/{name}.changed_1.png").read_bytes() == b"mine"
    assert (folder / "timeline.changed_1.otio").read_bytes() == b"mine"
    assert f"pictures/{name}.changed_1.png" not in made.files
    told = [event.message for event in heard if isinstance(event, Notice)]
    assert told == [
        f"handoff/pictures/{name}.png was changed since it was written; the changed one is now {name}.changed_1.png",
        "handoff/timeline.otio was changed since it was written; the changed one is now timeline.changed_1.otio",
    ]
    retouched(folder / f"pictures/{name}.png")
    handed(tmp_path, given)
    assert (folder / f"pictures/{name}.changed_2.png").read_bytes() == b"mine"


@pytest.mark.parametrize("copy", [False, True])
def test_second_run_removes_its_own_stale_picture_and_leaves_a_changed_one(
    tmp_path: Path, given: Inputs, copy: bool
) -> None:
    stage = HandOffEdit(transition=Cut(), copy=copy)
    folder = handed(tmp_path, given, stage).folder
    retouched(folder / "pictures/003_a_wide_shot_a_lighthouse.png")
    pictures = given["pictures"]
    assert isinstance(pictures, Pictures)
    one = dataclasses.replace(pictures, pictures=pictures.pictures[:1])
    handed(tmp_path, given | {"storyboard": board([72]), "pictures": one}, stage)
    assert sorted(path.name[:3] for path in (folder / "pictures").iterdir()) == ["001", "003"]
    assert (folder / "pictures/003_a_wide_shot_a_lighthouse.png").read_bytes() == b"mine"


def test_without_its_list_nothing_in_the_folder_is_lost(tmp_path: Path, given: Inputs) -> None:
    folder = handed(tmp_path, given).folder
    (folder / ".written.json").write_text("[1", encoding="utf-8")
    retouched(folder / "video.mp4")
    handed(tmp_path, given)
    assert (folder / "video.changed_1.mp4").read_bytes() == b"mine"
    assert not list(folder.rglob("*.changed_1.png"))  # the same bytes as before are no change


def test_list_that_names_files_elsewhere_removes_none_of_them(tmp_path: Path, given: Inputs) -> None:
    folder = handed(tmp_path, given).folder
    (tmp_path / "mine.txt").write_bytes(b"mine")
    (folder / ".written.json").write_text(json.dumps({"../mine.txt": File.of(tmp_path / "mine.txt").sha256}))
    handed(tmp_path, given)
    assert (tmp_path / "mine.txt").exists()


def test_two_runs_write_the_same_bytes(tmp_path: Path, given: Inputs) -> None:
    folders = [handed(tmp_path / name, given).folder for name in ("one", "two")]
    texts = [{path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} for folder in folders]
    assert texts[0] == texts[1]
