"""What becomes of a try whose board cannot be told of it in time: real renders under a board that goes away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qmv.live.progress import Live
from qmv.service.queue.board import Unavailable, Word
from qmv.service.queue.jobs import Claim
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.work import lease
from qmv.service.work.clock import now_s
from tests.service.work.rendering import PATIENCE_S, Place, eventually, late_s, video
from tests.service.work.tries import started

pytestmark = pytest.mark.slow


def test_render_ends_before_its_lease_where_the_queue_cannot_be_reached_and_that_is_no_failure(
    tmp_path: Path,
    click_track: Callable[..., Path],
    environment: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, "qmv.service")
    pauses_s = list[float]()

    def pause(seconds: float) -> None:
        pauses_s.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr(lease, "time", SimpleNamespace(sleep=pause))
    place = Place.made(tmp_path / "there", click_track(tmp_path / "s.wav"), environment, lease_s=10.0)

    class Unplugged(SqliteBoard):
        out = False
        last_s = 0.0

        def tell(self, claim: Claim, live: Live) -> Word:
            if self.out:
                raise Unavailable("queue: is away.")
            self.last_s = now_s()
            return super().tell(claim, live)

        def _end(self, *args: Any) -> bool:
            if self.out:
                raise Unavailable("queue: is away.")
            return super()._end(*args)

    board = Unplugged(place.settings.folder / "state.sqlite", place.settings.limits)
    place.dawdle("video")
    board.submit("s", [place.order()], digest="d")
    thread = started(place, board)
    pid = place.seen("dawdles")[-1]["pid"]
    board.out = True
    assert late_s(pid, board.last_s + 10.0) < 0  # the lease
    eventually(lambda: len(pauses_s) >= 3)  # asked again with pauses that grow, and told once
    assert pauses_s[0] < pauses_s[1] < pauses_s[2]
    assert len([line for line in caplog.messages if "is away" in line]) == 1
    board.out = False
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    waits = video(board, "s")
    assert (waits.status, waits.error, waits.retry_at) == ("queued", "", None)
    assert "given back, the queue could not be told in time, after" in caplog.text
    assert board.counts().totals.get("retried", 0) == 0


def test_job_whose_tries_are_given_back_again_and_again_is_parked_in_the_end(
    tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]
) -> None:
    """As where a render freezes its worker each time: once for nothing, then it counts."""
    song = click_track(tmp_path / "s.wav")
    place = Place.made(tmp_path / "there", song, environment, lease_s=10.0, attempts=1)

    class Unplugged(SqliteBoard):
        out = False

        def tell(self, claim: Claim, live: Live) -> Word:
            if self.out:
                raise Unavailable("queue: is away.")
            return super().tell(claim, live)

    board = Unplugged(place.settings.folder / "state.sqlite", place.settings.limits)
    place.dawdle("video")
    board.submit("s", [place.order()], digest="d")
    became = []
    for number in (1, 2):
        board.out = False
        thread = started(place, board, count=number)
        board.out = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        became.append((video(board, "s").status, video(board, "s").parked))
    assert became == [("queued", False), ("failed", True)]
    assert "could not renew its lease in time, 2 times for this video" in video(board, "s").error
