"""Pictures that cost money, bought from a local service that breaks and keeps its own books: each is paid for once.

The same measurements as in `python -m benchmarks.pictures`, in small; no test hangs on how quick the machine is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import pictures_direct as direct
from benchmarks import pictures_runs as runs
from benchmarks.pictures_commands import leaks
from benchmarks.pictures_direct import KEY

pytestmark = pytest.mark.slow

WRONG_KEY = "wrong-key-77be20"


@pytest.fixture(autouse=True)
def no_key_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nor is one said: the commands' stdout and stderr are files, too."""
    monkeypatch.setenv("RUNWARE_API_KEY", "")  # put back afterwards, whatever the test sets
    yield
    files, leaked = leaks(tmp_path, [KEY, WRONG_KEY])
    assert (files > 0, leaked) == (True, [])


@pytest.fixture
def short(tmp_path: Path, click_track: Callable[..., Path], clicks_plugin: Path) -> tuple[str, ...]:
    """Overrides for a song of 24 beats."""
    song = click_track(tmp_path / "song.wav", seconds=12.0)
    return f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks"


@pytest.mark.parametrize(("duplicates", "count"), [("conflict", 20), ("rerun", 40)])
def test_pictures_under_mixed_faults_all_come_and_are_paid_for_once(
    tmp_path: Path, duplicates: str, count: int
) -> None:
    found = direct.under_faults(tmp_path, 1, duplicates, count, deadline_s=300, answer_s=2, slow_s=0.5, late_s=math.inf)
    assert found["faults"] == []
    assert found["again"] > 0  # the faults were met: bad files were bought anew


def test_outage_in_the_middle_loses_no_picture(tmp_path: Path) -> None:
    found = direct.outage(tmp_path, 8, 1)
    assert (found["delivered"], found["faults"]) == (8, [])


def test_killed_run_pays_for_no_picture_twice(tmp_path: Path, short: tuple[str, ...]) -> None:
    overrides = (*short, "min_images=24")
    found = runs.kills(tmp_path / "killed", 2, 1, key=KEY, overrides=overrides, service_s=0.2)
    assert (found["kept"], found["faults"]) == (24, [])


def test_jobs_of_a_sweep_share_pictures_and_keep_to_their_budget(tmp_path: Path, short: tuple[str, ...]) -> None:
    """The six pictures of one job are among the twelve of the other."""
    overrides = (*short, "min_images=6,12")
    found = runs.sweep(tmp_path / "sweep", key=KEY, overrides=overrides, at_once=2, share=0.5)
    assert found["faults"] == []
    assert (found["jobs"], found["distinct"], found["kept_small"]) == ([6, 12], 12, 6)


def test_wrong_key_or_none_ends_a_run_before_any_work(tmp_path: Path, short: tuple[str, ...]) -> None:
    assert runs.keys(tmp_path / "keys", key=KEY, wrong=WRONG_KEY, overrides=short)["faults"] == []
