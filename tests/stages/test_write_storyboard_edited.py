"""The file that a storyboard is written to, and read from again when a user has edited it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.artifacts import Beats, Storyboard
from qmv.engine.cache import Cache
from qmv.errors import InputError
from qmv.plugins.writer.template import Template
from qmv.stages.paint_pictures import PaintPictures
from qmv.stages.write_storyboard import WriteStoryboard
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, Tally, calls
from tests.stages.storyboards import PARTS, Service, a_song, beats


def filed(tmp_path: Path, **settings: object) -> tuple[Storyboard, Path]:
    """A storyboard, and the file that its run leaves behind."""
    ctx = stage_context(tmp_path)
    given = {"song": a_song(tmp_path), "style": style(), "beats": beats(sections=PARTS)}
    stage = WriteStoryboard(writer=Template(), **settings)
    plan = stage.run(ctx, **given)
    stage.review(ctx, plan, **given)
    return plan, ctx.run_folder / "storyboard.yaml"


def rewritten(tmp_path: Path, file: Path, song_beats: Beats | None = None, **settings: object) -> Storyboard:
    stage = WriteStoryboard(writer=Service(), storyboard=str(file), **settings)
    given = {"song": a_song(tmp_path), "style": style(), "beats": song_beats or beats(sections=PARTS)}
    return stage.run(stage_context(tmp_path), **given)


def test_review_writes_a_file_that_gives_the_same_storyboard(tmp_path: Path) -> None:
    plan, file = filed(tmp_path, fps="29.97")
    assert rewritten(tmp_path, file, fps="29.97") == plan
    assert [path.name for path in file.parent.glob("*storyboard*")] == ["storyboard.yaml"]


def test_an_edited_storyboard_buys_the_changed_pictures_only(tmp_path: Path) -> None:
    plan, file = filed(tmp_path)
    tally = Tally(ledger=str(tmp_path / "ledger"))
    paint = PaintPictures(image=tally, width=WIDTH, height=HEIGHT)
    paint.run(stage_context(tmp_path), style=style(), storyboard=plan)
    assert len(calls(tmp_path / "ledger")) == len(plan.shots) == 8
    paint.run(stage_context(tmp_path), style=style(), storyboard=rewritten(tmp_path, file))
    assert len(calls(tmp_path / "ledger")) == 8

    head, *shots = file.read_text(encoding="utf-8").split("\n  - ")
    shots[3] = shots[3].replace("prompt: >-\n      ", "prompt: >-\n      a blue door: ", 1)
    moved = shots[5].replace(f"beat: {5 * 4 + 1}\n", f"beat: {5 * 4 + 2}\n")
    file.write_text("\n  - ".join([head, *shots[:2], *shots[3:5], moved, *shots[6:]]), encoding="utf-8")
    edited = rewritten(tmp_path, file)
    assert [shot.beat for shot in edited.shots] == [0, 4, 12, 16, 21, 24, 28]
    assert edited.shots[2].prompt.startswith("a blue door: ")
    paint.run(stage_context(tmp_path), style=style(), storyboard=edited)
    assert calls(tmp_path / "ledger") == [0, 1, 2, 2, 3, 4, 5, 6, 7]  # the third shot of what is left


def test_an_edited_storyboard_is_keyed_by_its_bytes(tmp_path: Path) -> None:
    _, file = filed(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_bytes(file.read_bytes())
    one, same = (WriteStoryboard(writer=Template(), storyboard=str(path)).identity() for path in (file, other))
    assert Cache.key(one) == Cache.key(same)
    other.write_text(file.read_text(encoding="utf-8").replace("seed: ", "seed: 1", 1), encoding="utf-8")
    changed = WriteStoryboard(writer=Template(), storyboard=str(other)).identity()
    none = WriteStoryboard(writer=Template()).identity()
    assert len({Cache.key(one), Cache.key(changed), Cache.key(none)}) == 3


def test_an_edited_storyboard_of_another_song_is_told(tmp_path: Path) -> None:
    _, file = filed(tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace("song: Night Train", "song: Day Train"), encoding="utf-8")
    assert rewritten(tmp_path, file).notes == (
        "the storyboard was written for the song 'Day Train', this one is 'Night Train'",
    )


def test_an_edited_storyboard_that_is_gone_is_told_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"storyboard \(.*gone.yaml\): there is no such file"):
        WriteStoryboard(writer=Template(), storyboard=str(tmp_path / "gone.yaml")).identity()
    with pytest.raises(ValueError, match="storyboard is empty; name a file"):
        WriteStoryboard(writer=Template(), storyboard=" ")
