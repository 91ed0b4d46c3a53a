"""What is cleared away, and what never is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from qmv.service.queue.jobs import Order
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.work.janitor import Janitor, clear


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(outputs=str(tmp_path), keep_days=1)


@pytest.fixture
def board(settings: ServiceSettings) -> SqliteBoard:
    return SqliteBoard(settings.folder / "state.sqlite", settings.limits, clock=lambda: CLOCK[0])


CLOCK = [time.time()]


def filled(folder: Path, age_s: float = 0) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").touch()
    for path in (folder / "file", folder):
        os.utime(path, (time.time() - age_s,) * 2)
    return folder


def closed(board: SqliteBoard, session: str) -> None:
    board.submit(session, [Order(song="a.mp3", title="A", style="neon")], digest=session)
    claim = board.claim("w")
    assert claim is not None
    assert board.finish(claim, {})


def test_forgotten_session_takes_its_files_along(settings: ServiceSettings, board: SqliteBoard, tmp_path: Path) -> None:
    closed(board, "old")
    gone = [filled(settings.folder / kind / "old", age_s=9999) for kind in ("uploads", "runs")]
    kept = [filled(tmp_path / "videos" / "old"), filled(tmp_path / "cache" / "old")]
    CLOCK[0] += 2 * 86400
    closed(board, "new")
    kept.append(filled(settings.folder / "uploads" / "new", age_s=9999))
    clear(board, settings)
    assert not [folder for folder in gone if folder.exists()]
    assert all(folder.exists() for folder in kept)
    assert board.session("old") is None


def test_song_that_was_sent_a_moment_ago_outlives_its_forgotten_session(
    settings: ServiceSettings, board: SqliteBoard
) -> None:
    """The same ID comes again: its song is there, its session is not yet."""
    closed(board, "again")
    CLOCK[0] += 2 * 86400
    sent = filled(settings.folder / "uploads" / "again")
    clear(board, settings)
    assert board.session("again") is None
    assert (sent / "file").is_file()


def test_song_that_was_sent_again_keeps_its_old_folder(settings: ServiceSettings, board: SqliteBoard) -> None:
    old = filled(settings.folder / "uploads" / "b", age_s=9999)
    os.utime(old / "file")
    clear(board, settings)
    assert (old / "file").is_file()
    os.utime(old / "file", (time.time() - 9999,) * 2)
    clear(board, settings)
    assert list((settings.folder / "uploads").iterdir()) == []


def test_files_of_no_session_go_when_they_are_old(settings: ServiceSettings, board: SqliteBoard) -> None:
    """One that was uploaded a moment ago is about to have a session."""
    young, old = filled(settings.folder / "uploads" / "a"), filled(settings.folder / "uploads" / "b", age_s=9999)
    clear(board, settings)
    assert (young.exists(), old.exists()) == (True, False)


def test_old_tries_of_a_closed_video_go_but_for_the_last(settings: ServiceSettings, board: SqliteBoard) -> None:
    closed(board, "s")
    tries = [filled(settings.folder / "runs" / "s" / "1" / str(number), age_s=9999 - number) for number in (1, 2, 3)]
    clear(board, settings)
    assert [folder.exists() for folder in tries] == [False, False, True]


def test_tries_of_an_open_video_stay(settings: ServiceSettings, board: SqliteBoard) -> None:
    board.submit("s", [Order(song="a.mp3", title="A", style="neon")], digest="s")
    tries = [filled(settings.folder / "runs" / "s" / "1" / str(number), age_s=9999) for number in (1, 2)]
    clear(board, settings)
    assert all(folder.exists() for folder in tries)


def test_one_process_clears_at_a_time_and_only_now_and_then(settings: ServiceSettings, board: SqliteBoard) -> None:
    old = filled(settings.folder / "uploads" / "b", age_s=9999)
    with FileLock(settings.folder / "janitor.lock"):
        Janitor(board, settings).look()
    assert old.exists()
    Janitor(board, settings).look()
    assert not old.exists()
    filled(settings.folder / "uploads" / "c", age_s=9999)
    Janitor(board, settings).look()  # somebody has cleared just now
    assert (settings.folder / "uploads" / "c").exists()
