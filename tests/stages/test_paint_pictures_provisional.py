"""Pictures with a gap: for the run that made them only."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from qmv.api import Context, Stage, plugin
from qmv.artifacts import Song, Storyboard
from qmv.engine.config.job import Job
from qmv.engine.config.schema import RunSettings, SongSettings
from qmv.engine.manifest import Manifest
from qmv.engine.registry import Registry
from qmv.engine.runner import Run
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls
from tests.stages.painting import CENT, shop


def test_pictures_with_a_gap_are_for_the_run_that_made_them_only(tmp_path: Path) -> None:
    """The next run tries again, and whoever reads the pictures hangs on what came."""
    song = tmp_path / "song.wav"
    soundfile.write(song, np.zeros(22050, np.float32), 22050)

    def made(**ways: str) -> Manifest:
        folder = tmp_path / "runs" / str(len(list(tmp_path.glob("runs/*"))))
        folder.mkdir(parents=True)
        image = shop(tmp_path, ways={name.lstrip("_"): way for name, way in ways.items()})
        stages = {
            "storyboard": Plan(),
            "pictures": PaintPictures(image=image, width=WIDTH, height=HEIGHT, on_missing="hold"),
        }
        job = Job(
            stages=stages, song=SongSettings(path=str(song)), style=style(), run=RunSettings(workers=1),
            outputs=str(tmp_path / "outputs"),
        )  # fmt: skip
        return Run(job=job, folder=folder, registry=Registry(), manifest=Manifest()).execute()

    first, second, third = made(_1="refused"), made(), made()
    assert [run.stages[-1].cached for run in (first, second, third)] == [False, False, True]
    assert [run.pictures["failed"] for run in (first, second, third)] == [1, 0, 0]
    assert [Decimal(run.money["spent_usd"]) for run in (first, second)] == [2 * CENT, CENT]
    assert [Decimal(run.money["saved_usd"]) for run in (first, second, third)] == [0, 2 * CENT, 3 * CENT]
    assert calls(tmp_path / "ledger") == [0, 1, 1, 2]
    files = [picture["file"] for picture in told_of(tmp_path / "runs" / "0")]
    again = [told_of(tmp_path / "runs" / number) for number in ("1", "2")]
    assert ([picture["index"] for picture in told_of(tmp_path / "runs" / "0")], len(files)) == ([0, 2], 2)
    assert [sorted(picture["index"] for picture in told) for told in again] == [[0, 1, 2]] * 2
    assert {picture["file"] for picture in again[0]} == {picture["file"] for picture in again[1]} > {*files}


def told_of(folder: Path) -> list[dict[str, Any]]:
    """The pictures in the events of a run."""
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "PictureReady"]


@plugin
class Plan(Stage):
    """Three shots."""

    name = "plan"

    def run(self, ctx: Context, song: Song) -> Storyboard:
        return board([8, 8, 8])
