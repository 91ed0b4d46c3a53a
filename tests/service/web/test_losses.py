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

from qmv.service.queue.board import Limits, Unavailable
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.web import losses
from tests.conftest import ROOT
from tests.fakes.redis_server import redis_server
from tests.service.web.running import running
from tests.service.web.test_events import Stream

PATIENCE_S = 120

# claims a video, says so, and is killed at work
DYING = """
import os, signal
from qmv.service.settings import ServiceSettings, open_board
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


def test_after_a_queue_that_was_away_workers_have_a_lease_to_speak_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Away(SqliteBoard):
        def take_back(self) -> None:
            if len(waits) == 3:
                raise Unavailable("queue: is away.")
            super().take_back()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 6:
            raise gevent.GreenletExit

    monkeypatch.setattr(losses.gevent, "sleep", wait)
    with pytest.raises(gevent.GreenletExit):
        losses.watch_losses(Away(tmp_path / "state.sqlite", Limits()), 15.0, 2.0)
    assert waits == [15, 2, 2, 15, 2, 2]
