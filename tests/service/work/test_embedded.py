"""Workers without Redis, as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.service.queue.board import Unavailable
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.work.embedded import work
from tests.conftest import ROOT
from tests.service.work.rendering import PATIENCE_S, Place, Workers, children_of, closed, eventually, gone, video

pytestmark = pytest.mark.slow


@pytest.fixture
def placed(tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]) -> Callable[..., Place]:
    def made(**settings: Any) -> Place:
        song = click_track(tmp_path / "song.wav", seconds=2.0)
        return Place.made(tmp_path / "here", song, environment, **settings)

    return made


def test_worker_takes_jobs_as_they_come(placed: Callable[..., Place]) -> None:
    place = placed()
    board = place.board()
    with Workers(place) as workers:
        workers.start()
        eventually(lambda: board.counts().workers == 1)
        for name in ("a", "b"):
            board.submit(name, [place.order()], digest=name)
            assert closed(board, name).status == "finished"
    board.close()


class Pauses(threading.Event):
    """The leaving of a worker that looks so many times; remembers how long it was to pause."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks, self.asked_s = looks, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        self.asked_s.append(timeout or 0.0)
        if len(self.asked_s) == self.looks:
            self.set()
        return self.is_set()


def test_worker_with_nothing_to_do_looks_again_within_half_a_second(tmp_path: Path) -> None:
    settings, leaving = ServiceSettings(outputs=str(tmp_path)), Pauses(20)
    work(SqliteBoard(settings.folder / "state.sqlite", settings.limits), settings, leaving)
    assert len(leaving.asked_s) == 20
    assert all(0 < pause_s <= 0.5 for pause_s in leaving.asked_s)


def test_queue_that_is_away_is_told_once_each_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With pauses that grow; a board of a test's own says when it is away."""
    leaving = Pauses(7)

    class Away(SqliteBoard):
        def due(self) -> int:
            if len(leaving.asked_s) == 3:
                return 0
            raise Unavailable("queue: is away.")

    settings = ServiceSettings(outputs=str(tmp_path))
    work(Away(settings.folder / "state.sqlite", settings.limits), settings, leaving)
    away, back, again = leaving.asked_s[:3], leaving.asked_s[3], leaving.asked_s[4:]
    assert away == again == sorted({*away})
    assert 0 < back < away[0]
    assert caplog.messages.count("queue: is away.") == 2


def test_sigterm_gives_the_job_back_and_another_finishes_it_from_the_cache(placed: Callable[..., Place]) -> None:
    place = placed()
    board = place.board()
    place.dawdle("video")
    board.submit("s", [place.order()], digest="s")
    with Workers(place) as workers:
        first = workers.start()
        eventually(lambda: place.seen("dawdles"))
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE_S) == 0
        workers.running.remove(first)
        assert video(board, "s").status == "queued"
        place.hurry()
        workers.start()
        done = closed(board, "s").videos[0]
    assert (done.status, done.error) == ("finished", "")
    last = max(place.folder.glob("outputs/service/runs/s/1/*/output.txt"), key=lambda path: path.stat().st_mtime)
    assert "pictures: cached" in last.read_text(encoding="utf-8")
    board.close()


def test_worker_and_its_render_end_with_their_parent(placed: Callable[..., Place]) -> None:
    place = placed(lease_s=600.0)  # which would end them, too
    board = place.board()
    place.dawdle("video")
    board.submit("s", [place.order()], digest="s")
    code = (
        "import os, subprocess, sys; "
        "module = 'qmv.service.work.embedded'; "
        "subprocess.run([sys.executable, '-m', 'qmv.service.work.following', str(os.getpid()), module])"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=place.environ, stderr=subprocess.DEVNULL)
    eventually(lambda: place.seen("dawdles"))
    pids = [child.pid for child in children_of(parent.pid)]
    assert len(pids) == 3  # the worker, what keeps its render, and the render
    parent.kill()
    parent.wait()
    assert gone(pids)
    board.close()


def test_job_that_kills_its_render_is_tried_again_and_then_parked(placed: Callable[..., Place]) -> None:
    place = placed(attempts=2)
    board = place.board()
    place.dawdle("video")
    board.submit("s", [place.order()], digest="s")
    with Workers(place) as workers:
        workers.start()
        for number in (1, 2):
            line = eventually(lambda number=number: place.seen("dawdles")[number - 1 :])[0]  # type: ignore[misc]
            os.kill(line["pid"], signal.SIGKILL)
        failed = closed(board, "s").videos[0]
    assert (failed.status, failed.parked, failed.attempt) == ("failed", True, 2)
    assert "signal 9" in failed.error
    board.close()
