"""Runs whose disk gives no room, or from under which another program deletes the cache: a sentence and a way on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine import disk
from tests.resilience.runs import Run

# Deletes the cache of the run at a moment, so that the test need not hit it. It does so once, and is named in every
# command, so that the commands are the same.
DELETER = """
import os
import shutil

from qmv.hookspecs import hookimpl


@hookimpl
def qmv_event(event):
    cache = os.environ.get("TEST_DELETES", "")
    if cache and os.environ["TEST_AT"] == f"{type(event).__name__} {getattr(event, 'node', '')}":
        os.environ["TEST_DELETES"] = ""
        shutil.rmtree(cache, ignore_errors=True)
"""


def ending(ended: Any) -> tuple[int, str, str]:
    """(exit code, its one sentence, the kind of error in the manifest)"""
    [sentence] = ended.errors
    assert "Traceback" not in ended.stderr
    [manifest] = ended.found("manifest.json")
    return ended.rc, sentence, json.loads(manifest.read_text(encoding="utf-8"))["error_kind"]


# -- a cache that is deleted -----------------------------------------------------------------------------------------


@pytest.fixture
def line(overrides: tuple[str, ...], tmp_path: Path) -> list[str]:
    """The command line of these tests, with a plugin that deletes the cache where the environment asks for it."""
    (tmp_path / "deleter.py").write_text(DELETER, encoding="utf-8")
    song, plugins, *rest = overrides
    return [song, plugins.replace("]", f",{tmp_path / 'deleter.py'}]"), *rest]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        "1 Progress pictures",
        "1 StageStarted video",
        "2 StageStarted video",
        "2 Progress video",
        "1 StageFinished video",
    ],
)
def test_run_whose_cache_is_deleted_says_so_and_the_same_command_makes_its_video(
    run_cli: Run, line: list[str], undisturbed: bytes, tmp_path: Path, moment: str
) -> None:
    workers, at = moment.split(maxsplit=1)
    given = [*line, f"run.workers={workers}"]
    cache = tmp_path / "outputs" / "cache"
    env = {"TEST_DELETES": str(cache), "TEST_AT": at}
    said = (
        f"error: outputs ({cache}): files of the cache were deleted while the run went on; run the same command again, "
        "which makes them anew."
    )
    assert ending(run_cli(*given, env=env)) == (75, said, "OutputError")
    assert run_cli(*given).video.read_bytes() == undisturbed


@pytest.mark.slow
def test_run_whose_cache_is_deleted_between_two_of_its_stages_goes_on_where_it_can(
    run_cli: Run, line: list[str], undisturbed: bytes, tmp_path: Path
) -> None:
    env = {"TEST_DELETES": str(tmp_path / "outputs" / "cache"), "TEST_AT": "StageFinished beats"}
    assert run_cli(*line, env=env).video.read_bytes() == undisturbed


# -- a disk that is full ---------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that has room for the files of a run, but not for the demo song."""
    with disk(tmp_path / "disk", kb=1024) as folder:
        yield folder


def test_demo_song_that_does_not_fit_the_disk_ends_in_a_sentence(run_cli: Run, small_disk: Path) -> None:
    rc, sentence, kind = ending(run_cli("song=demo", "graph=storyboard", outputs=small_disk))
    assert (rc, kind, "the disk is full; free some space" in sentence) == (75, "OutputError", True)
    assert [path for path in (small_disk / "cache").rglob("*") if "part" in path.name] == []
