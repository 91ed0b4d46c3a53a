"""A video whose worker was killed is told as waiting, where no other worker is there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gevent
import pytest

from qmv.service.queue.board import Board, Limits, Unavailable
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.web import losses
from tests.conftest import ROOT
from tests.fakes.redis_server import redis_server
from tests.service.web.running import PATIENCE_S, running
from tests.service.web.test_events import Stream

# claims a video, says so, and is killed at work
DYING = """
import os, signal
from qmv.service.queue import redis_link
from qmv.service.settings import ServiceSettings, open_board
redis_link._ANSWER_S = 120.0
board = open_board(ServiceSettings.read())
print(board.claim("dying").session, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_listeners_hear_that_a_killed_workers_video_waits_again(tmp_path: Path, kind: str) -> None:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path / "redis")).url if kind == "redis" else ""
        web = stack.enter_context(running(tmp_path, redis=url, quick=True, lease_s=2))
        web.queue("lost")
        environ = os.environ | ServiceSettings(outputs=str(web.outputs), lease_s=2).environ() | {"REDIS_URL": url}
        worker = subprocess.run([sys.executable, "-c", DYING], cwd=ROOT, env=environ, capture_output=True, text=True)
        assert (worker.returncode, worker.stdout) == (-signal.SIGKILL, "lost\n"), worker.stderr
        stream, until, told = Stream(web, "lost"), time.monotonic() + PATIENCE_S, ""
        while '"queued"' not in told:
            assert time.monotonic() < until, told
            told = next(iter(stream))[2]
        stream.close()
        assert web.get("/api/phase3/status/lost").json["status"] == "queued"
        assert web.board.counts().totals["lost"] == 1


class Machine:
    """The clocks of one, which go on while the watch sleeps; `strikes` says what happens besides, by the second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, until_s: float) -> None:
        self.passed_s = self.put_on_s = 0.0
        self.strikes: dict[float, tuple[float, float]] = {}  # second -> how far time passes, and its hands are put on
        self._until_s = until_s
        monkeypatch.setattr(losses.gevent, "sleep", self._sleep)
        monkeypatch.setattr(losses, "now_s", lambda: self.passed_s)
        monkeypatch.setattr(losses.time, "time", lambda: 1.8e9 + self.passed_s + self.put_on_s)

    def _sleep(self, seconds: float) -> None:
        passed_s, put_on_s = self.strikes.get(self.passed_s, (0.0, 0.0))
        self.passed_s += seconds + passed_s
        self.put_on_s += put_on_s
        if self.passed_s > self._until_s:
            raise gevent.GreenletExit


class Watched(SqliteBoard):
    """Remembers when it answered, and when it took back; it is away, or fails, in some seconds."""

    def __init__(self, folder: Path, machine: Machine, away: range, error: Exception | None = None) -> None:
        super().__init__(folder / "state.sqlite", Limits())
        self._machine, self._away, self._error = machine, away, error or Unavailable("queue: is away.")
        self.answered: list[float] = []
        self.took: list[float] = []

    def due(self) -> int:
        self._look()
        return super().due()

    def take_back(self) -> None:
        self._look()
        self.took.append(self._machine.passed_s)
        super().take_back()

    def _look(self) -> None:
        if self._machine.passed_s in self._away:
            raise self._error
        self.answered.append(self._machine.passed_s)


def watch(board: Board) -> None:
    """Leases of 15 s, a look every 2 s."""
    with pytest.raises(gevent.GreenletExit):
        losses.watch_losses(board, 15.0, 2.0)
    board.close()


@pytest.mark.parametrize("away", [range(21), range(31, 33), range(31, 40), range(31, 90), range(40, 101)])
def test_when_the_queue_is_back_workers_have_a_lease_to_speak_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: range
) -> None:
    """Also after an outage of several looks, the last of which says nothing of when it ended."""
    board = Watched(tmp_path, Machine(monkeypatch, 200), away)
    watch(board)
    back = next(at for at in board.answered if at >= away.stop)
    after = [at for at in board.took if at >= away.start]
    assert 15 <= after[0] - back <= 18
    assert after == [after[0] + 2 * n for n in range(len(after))]


def test_at_first_workers_have_a_lease_to_speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Watched(tmp_path, Machine(monkeypatch, 60), range(0))
    watch(board)
    assert 15 <= board.took[0] <= 18


@pytest.mark.parametrize(("passed_s", "put_on_s"), [(20.0, 0.0), (0.0, 20.0), (3600.0, 0.0), (0.0, 3600.0)])
def test_when_the_machine_slept_or_its_clock_was_put_on_workers_have_a_lease_to_speak_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passed_s: float, put_on_s: float
) -> None:
    machine = Machine(monkeypatch, 60 + passed_s)
    machine.strikes[40.0] = (passed_s, put_on_s)
    board = Watched(tmp_path, machine, range(0))
    watch(board)
    assert 40.0 in board.took
    assert 15 <= next(at for at in board.took if at > 40) - (42 + passed_s) <= 18


def test_pause_that_is_a_little_longer_and_a_clock_that_is_put_back_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, 80)
    machine.strikes = {40.0: (2.0, 0.0), 60.0: (0.0, -3600.0)}
    board = Watched(tmp_path, machine, range(0))
    watch(board)
    assert board.took[-20:] == [at for at in range(38, 81, 2) if at != 42][-20:]


def test_error_that_lasts_is_told_once_each_time_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(monkeypatch, 400)
    board = Watched(tmp_path, machine, range(30, 200), ValueError("what a client library raises"))
    watch(board)
    told = [record for record in caplog.records if record.name == "qmv.web"]
    assert [record.getMessage() for record in told] == ["losses: lost workers could not be looked for"]
    assert board.took[-1] == 400
    machine.passed_s = 0
    watch(board)
    assert len([record for record in caplog.records if record.name == "qmv.web"]) == 2
