"""The mark of a run at work: one holds it, others see it, and what a killed one left behind stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.engine.in_work import check_at_rest, in_work
from qmv.errors import InputError


def test_run_at_work_is_seen_in_its_folder_and_by_its_manifest(tmp_path: Path) -> None:
    with in_work(tmp_path):
        for named in (tmp_path, tmp_path / "manifest.json"):
            with pytest.raises(InputError, match="its run is still at work"):
                check_at_rest(named)


def test_run_that_ended_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), in_work(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    check_at_rest(tmp_path)


def test_mark_that_nobody_holds_is_none(tmp_path: Path) -> None:
    (tmp_path / ".in_work.lock").touch()
    check_at_rest(tmp_path)
    with in_work(tmp_path), pytest.raises(InputError):
        check_at_rest(tmp_path)


def test_second_run_in_the_same_folder_leaves_the_mark_to_the_first(tmp_path: Path) -> None:
    with in_work(tmp_path):
        with in_work(tmp_path):
            pass
        with pytest.raises(InputError):
            check_at_rest(tmp_path)


def test_folder_that_takes_no_lock_stops_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with in_work(tmp_path / "file"):
        check_at_rest(tmp_path / "file" / "manifest.json")
