"""The mark of a run at work: one holds it, others see it, and what a killed one left behind stops nobody."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_mark_that_cannot_be_locked_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The system refuses what root is allowed everywhere, so the refusal is made here."""
    (tmp_path / ".in_work.lock").touch()
    opened = os.open

    def refuses(path: Any, *more: Any, **named: Any) -> int:
        if str(path).endswith(".in_work.lock"):
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, *more, **named)

    monkeypatch.setattr(os, "open", refuses)
    check_at_rest(tmp_path)


HOLDER = """
import contextlib, errno, fcntl, sys, warnings
from pathlib import Path
from qmv.engine.in_work import in_work

def flock(file, how):
    raise OSError(errno.ENOSYS, "no locks")

fcntl.flock = flock
warnings.simplefilter("ignore")
with in_work(Path(sys.argv[1])):
    print("at work", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.filterwarnings("ignore:flock not supported")
def test_run_at_work_on_a_disk_without_locks_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(file: Any, how: int) -> None:
        raise OSError(errno.ENOSYS, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "at work\n"
        with pytest.raises(InputError) as caught:
            check_at_rest(tmp_path)
        run.kill()
    assert str(caught.value).endswith(f"delete {tmp_path / '.in_work.lock'}.")
    check_at_rest(tmp_path)  # a run that was killed on this machine
