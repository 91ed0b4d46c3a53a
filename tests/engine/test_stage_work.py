"""How a stage works: from the cache or anew, its review, and what it must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.errors import PluginError
from tests.engine.desk import Desk, Fails, FileElsewhere, Listen, WrongType, manifest_of, proven


def delete(path: Path) -> None:
    path.unlink()


def change(path: Path) -> None:
    path.write_bytes(b"b video")  # of the same length


# -- from the cache --------------------------------------------------------------------------------------------------


def test_second_run_does_only_what_is_never_cached(desk: Desk) -> None:
    desk.run()
    desk.worked()
    run = desk.run()
    assert desk.worked() == ["hand_over"]
    assert [stage["cached"] for stage in manifest_of(run)["stages"]] == [True, True, False]


def test_second_run_gives_the_same_values(desk: Desk) -> None:
    assert desk.run().values == desk.run().values


def test_run_with_another_setting_does_it_again(desk: Desk) -> None:
    desk.run()
    desk.worked()
    desk.run(desk.stages(sharpness=2))
    assert desk.worked() == ["listen", "film", "hand_over"]


def test_run_takes_a_moved_song_from_the_cache(desk: Desk) -> None:
    desk.run()
    desk.worked()
    moved = desk.folder / "elsewhere" / desk.song.name
    moved.parent.mkdir()
    desk.song = desk.song.rename(moved)
    desk.run()
    assert desk.worked() == ["hand_over"]


def test_run_takes_a_moved_outputs_folder_from_the_cache(desk: Desk) -> None:
    desk.run()
    desk.worked()
    (desk.folder / "outputs").rename(desk.folder / "old")
    (desk.folder / "outputs").symlink_to(desk.folder / "old")
    desk.run()
    assert desk.worked() == ["hand_over"]


@pytest.mark.parametrize("spoil", [delete, change])
@pytest.mark.parametrize("file", ["film/??/*/video.mp4", "film/??/*/artifact.json"])
def test_spoiled_file_of_the_cache_is_made_again(desk: Desk, file: str, spoil: Callable[[Path], None]) -> None:
    desk.run()
    desk.worked()
    spoil(desk.cached(file))
    run = desk.run()
    assert desk.worked() == ["film", "hand_over"]
    assert run.values["video"].file.path.read_bytes() == b"a video"  # type: ignore[attr-defined]


def test_artifact_of_another_form_in_the_cache_is_made_again(desk: Desk) -> None:
    desk.run()
    desk.worked()
    desk.cached("listen/??/*/artifact.json").write_text('{"times_s": 3}', encoding="utf-8")
    desk.run()
    assert desk.worked() == ["listen", "hand_over"]


# -- reviews ---------------------------------------------------------------------------------------------------------


def test_result_that_is_refused_fails_the_run_before_it_is_used(desk: Desk) -> None:
    run, error = desk.refused(proven(desk))
    assert str(error) == "proof: a cut is late in video.mp4."
    assert [(s["node"], s["status"]) for s in manifest_of(run)["stages"]][2:] == [
        ("proof", "failed"), ("delivery", "waiting"),
    ]  # fmt: skip
    assert desk.worked() == ["listen", "film", "prove"]


def test_result_that_is_refused_is_refused_again_from_the_cache(desk: Desk) -> None:
    _, first = desk.refused(proven(desk))
    desk.worked()
    run, second = desk.refused(proven(desk))
    assert (str(second), desk.worked(), manifest_of(run)["stages"][2]["cached"]) == (str(first), [], True)


def test_result_that_was_refused_is_not_made_again_where_it_is_let_pass(desk: Desk) -> None:
    desk.refused(proven(desk))
    desk.worked()
    desk.run(proven(desk, lenient=True))
    assert desk.worked() == ["hand_over_after"]


# -- what a stage gives ----------------------------------------------------------------------------------------------


def test_run_counts_the_pieces_of_a_stage(desk: Desk) -> None:
    beats = manifest_of(desk.run())["stages"][0]
    assert (beats["total"], beats["made"], beats["reused"]) == (4, 3, 1)


def test_failed_stage_leaves_nothing_in_the_cache(desk: Desk) -> None:
    desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    left = (desk.folder / "outputs" / "cache" / "fails").rglob("*")
    assert [path for path in left if path.suffix != ".lock" and len(path.name) > 2] == []


def test_failed_run_keeps_what_was_done_before(desk: Desk) -> None:
    desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails()})
    desk.worked()
    desk.run()
    assert desk.worked() == ["film", "hand_over"]


def test_stage_that_gives_another_type_is_refused(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": WrongType()})
    assert isinstance(error, PluginError)
    assert "stages.video (wrong_type): run() says that it makes a Video, but gave Beats" in str(error)


def test_stage_whose_file_is_not_there_is_refused(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": FileElsewhere()})
    assert "its Video cannot be kept and read back" in str(error)
