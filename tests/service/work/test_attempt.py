"""One try at a job: real renders under a real board."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Word
from qmv.service.queue.jobs import Claim
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.work import attempt
from qmv.service.work.attempt import perform
from tests.service.work.rendering import PATIENCE_S, Place, children_of, eventually, gone, video
from tests.service.work.tries import started, tried

pytestmark = pytest.mark.slow


def test_video_is_delivered_with_what_may_be_known_of_it(place: Place, board: Board) -> None:
    board.submit("spring", [place.order(subject='${oc.env:HOME}, "a, b" \\')], digest="d")
    tried(place, board)
    done = video(board, "spring")
    data = place.film("spring").read_bytes()
    assert (done.status, done.error) == ("finished", "")
    assert done.result is not None
    assert done.result["key"] == "videos/spring/video_1.mp4"
    assert done.result["url"] == "/videos/spring/video_1.mp4"
    assert done.result["sha256"] == hashlib.sha256(data).hexdigest()
    assert done.result["size_bytes"] == len(data)
    assert done.result["metadata"]["video"]["frames"] == 72  # three seconds at 24 a second
    assert done.result["metadata"]["sync"]["faults"] == []
    assert str(place.folder) not in str(done)
    assert done.live.percent == 100


def test_second_try_takes_all_from_the_cache_and_delivers_the_same(
    tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]
) -> None:
    """As after a finish that could not be told in time."""
    place = Place.made(tmp_path / "there", click_track(tmp_path / "s.wav"), environment)
    board = place.board()

    class Deaf(SqliteBoard):
        unheard: ClassVar[list[Claim]] = []

        def finish(self, claim: Claim, result: dict[str, Any]) -> bool:
            self.unheard.append(claim)
            return False

    deaf = Deaf(place.settings.folder / "state.sqlite", place.settings.limits)
    board.submit("s", [place.order()], digest="d")
    tried(place, deaf)
    before = place.film("s").stat()
    assert board.give_back(deaf.unheard.pop(), lapsed=True)
    tried(place, board)
    done, after = video(board, "s"), place.film("s").stat()
    assert done.status == "finished"
    assert done.result is not None
    assert done.result["unchanged"] is True
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_song_that_is_none_fails_at_once_with_its_sentence(place: Place, board: Board, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mp3"
    garbage.write_bytes(b"\0no song\xff" * 999)
    board.submit("s", [place.order(garbage)], digest="d")
    tried(place, board)
    failed = video(board, "s")
    assert (failed.status, failed.parked, failed.attempt) == ("failed", False, 1)
    assert failed.error.startswith("song (A Song)")
    assert "/" not in failed.error


def test_wrong_setting_of_the_operator_is_told(place: Place, board: Board) -> None:
    board.submit("s", [place.order(no_such_knob=1)], digest="d")
    tried(place, board)
    failed = video(board, "s")
    assert failed.status == "failed"
    assert "no_such_knob" in failed.error


def test_damaged_event_does_not_end_the_worker(place: Place, board: Board, caplog: pytest.LogCaptureFixture) -> None:
    """A render that writes nonsense: the job comes again, and the log says why."""
    (place.folder / "run.py").write_text(
        "import sys, time\nfrom pathlib import Path\n"
        "(word,) = [word for word in sys.argv if word.startswith('hydra.run.dir=')]\n"
        "place = Path(word.partition('=')[2].strip('\"'))\n"
        '(place / \'events.jsonl\').write_text(\'{"event": "PictureReady", "index": "x"}\\n\')\ntime.sleep(60)\n',
        encoding="utf-8",
    )
    others = {child.pid for child in children_of(os.getpid(), "qmv.service")}
    board.submit("s", [place.order()], digest="d")
    claim = board.claim("w")
    assert claim is not None
    settings = dataclasses.replace(place.settings, program=str(place.folder / "run.py"))
    perform(claim, board, settings, threading.Event())
    waits = video(board, "s")
    assert (waits.status, waits.retry_at is not None) == ("queued", True)
    assert waits.error.startswith("the worker failed unexpectedly (ValueError)")
    assert "Traceback" in caplog.text
    assert {child.pid for child in children_of(os.getpid(), "qmv.service")} <= others


def test_killed_render_is_tried_again_later(place: Place, board: Board) -> None:
    place.dawdle("video")
    board.submit("s", [place.order()], digest="d")
    thread = started(place, board)
    os.kill(place.seen("dawdles")[0]["pid"], signal.SIGKILL)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    waits = video(board, "s")
    assert (waits.status, waits.parked) == ("queued", False)
    assert waits.retry_at is not None
    assert "ended by the system (signal 9)" in waits.error
    place.hurry()
    claim = eventually(lambda: board.claim("w"))
    perform(claim, board, place.settings, threading.Event())
    assert video(board, "s").status == "finished"


def test_cancel_ends_the_render_and_its_workers_within_seconds(
    place: Place, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because it is asked to, long before it would be killed."""
    monkeypatch.setattr(attempt, "_ENDS_WITHIN_S", 600.0)
    place.dawdle("video")
    others = {child.pid for child in children_of(os.getpid(), "qmv.service")}
    board.submit("s", [place.order()], digest="d")
    thread = started(place, board)
    pids = [child.pid for child in children_of(os.getpid(), "qmv.service") if child.pid not in others]
    assert len(pids) == 2
    board.cancel("s")
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert gone(pids)
    assert video(board, "s").status == "cancelled"


def test_worker_that_leaves_gives_its_job_back(place: Place, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_LEAVES_WITHIN_S", 600.0)  # it need not be killed
    place.dawdle("video")
    board.submit("s", [place.order()], digest="d")
    leaving = threading.Event()
    thread = started(place, board, leaving)
    leaving.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    waits = video(board, "s")
    assert (waits.status, waits.error, waits.retry_at) == ("queued", "", None)
    place.hurry()
    tried(place, board)
    assert video(board, "s").status == "finished"


def test_lost_job_ends_at_once_and_says_nothing_more(place: Place) -> None:
    class Losing(SqliteBoard):
        lost = False
        said: ClassVar[list[str]] = []

        def tell(self, claim: Claim, live: Live) -> Word:
            return Word.LOST if self.lost else super().tell(claim, live)

        def _end(self, *args: Any) -> bool:
            self.said.append("end")
            return super()._end(*args)

    board = Losing(place.settings.folder / "state.sqlite", place.settings.limits)
    place.dawdle("video")
    board.submit("s", [place.order()], digest="d")
    thread = started(place, board)
    pid = place.seen("dawdles")[0]["pid"]
    board.lost = True
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert gone([pid])
    assert board.said == []


def test_render_that_takes_too_long_is_stopped(
    tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]
) -> None:
    place = Place.made(tmp_path / "there", click_track(tmp_path / "s.wav"), environment, job_minutes=0.05)
    board = place.board()
    place.dawdle("video")
    board.submit("s", [place.order()], digest="d")
    tried(place, board)
    failed = video(board, "s")
    assert failed.status == "failed"
    assert "0.05 minutes" in failed.error
