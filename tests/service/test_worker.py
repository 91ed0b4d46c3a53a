"""Celery's workers, as processes, with a Redis of the test's own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.service.queue.board import Board
from tests.conftest import ROOT
from tests.fakes.redis_server import RedisServer, redis_server
from tests.service.work.rendering import PATIENCE_S, Place, Workers, children_of, closed, eventually, gone, video

pytestmark = pytest.mark.slow

RING = "import sys; from qmv.service.worker import ring; ring(int(sys.argv[1]))"
START = [sys.executable, "-m", "celery", "-A", "qmv.service.worker", "worker", "-P", "threads"]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def placed(
    tmp_path: Path, redis: RedisServer, click_track: Callable[..., Path], environment: dict[str, str]
) -> Callable[..., Place]:
    def made(*more: str, **settings: Any) -> Place:
        song = click_track(tmp_path / "song.wav", seconds=2.0)
        return Place.made(tmp_path / "here", song, environment, *more, redis_url=redis.url, **settings)

    return made


def ring(place: Place, count: int) -> None:
    subprocess.run([sys.executable, "-c", RING, str(count)], cwd=ROOT, env=place.environ, check=True, timeout=60)


def running_at(place: Place, board: Board, session: str) -> int:
    """The process of the render, once it dawdles."""
    return int(eventually(lambda: place.seen("dawdles", f"{session}-1"))[-1]["pid"])


@pytest.mark.parametrize("pool", ["threads", "solo", "prefork"])
def test_pool_renders_and_gives_its_job_back_when_it_ends(
    pool: str, placed: Callable[..., Place], redis: RedisServer
) -> None:
    place = placed(lease_s=120.0)
    board = place.board()
    with Workers(place, "celery", pool=pool) as workers:
        first = workers.start()
        shown = {"threads": "thread"}.get(pool, pool)
        eventually(lambda: re.search(rf"concurrency: *1 \({shown}\)", workers.said))
        board.submit("a", [place.order()], digest="a")
        ring(place, 1)
        assert closed(board, "a").status == "finished"
        place.dawdle("video")
        board.submit("b", [place.order(seed=1)], digest="b")
        pid = running_at(place, board, "b")
        os.kill(first.pid, signal.SIGTERM)  # as `docker stop` does, of the first process only
        assert gone([pid])
        assert eventually(lambda: video(board, "b").status == "queued")
        assert first.wait(PATIENCE_S) == 0
        workers.running.remove(first)
        place.hurry()
        workers.start()
        assert closed(board, "b").status == "finished"
    found = video(board, "b")
    assert (found.error, place.seen("SECOND")) == ("", [])
    counts = board.counts()
    assert counts.totals is not None
    assert not counts.totals.get("lost")
    assert redis.password not in workers.said
    board.close()


@pytest.mark.parametrize("asking", ["ring", "_waiting"])
def test_redis_that_is_there_and_never_answers_is_told_as_away(
    asking: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    """As where packets vanish: the wait has an end, so that a worker's sweep and the web's ring go on."""
    script = f"from qmv.service import worker\ntry: worker.{asking}()\nexcept worker.Unavailable as e: print(e)"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = environment | {"REDIS_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120
        )
    assert done.stderr == ""
    assert re.match(r"REDIS_URL: (no worker could be called|cannot be reached) \(\w+\)\.$", done.stdout)


def test_bells_may_be_lost_or_come_twice(placed: Callable[..., Place], redis: RedisServer) -> None:
    place = placed(lease_s=120.0)
    board = place.board()
    with Workers(place, "celery") as workers:
        workers.start()
        board.submit("a", [place.order()], digest="a")
        ring(place, 5)
        assert closed(board, "a").status == "finished", workers.said
        board.submit("b", [place.order()], digest="b")  # and nobody rings
        assert closed(board, "b").status == "finished", workers.said
    assert (len(place.seen("begins", "a-1")), len(place.seen("begins", "b-1"))) == (1, 1), workers.said
    assert board.counts().totals == {"submitted": 2, "finished": 2}, workers.said
    board.close()


def test_limits_of_a_session_and_of_all_hold(placed: Callable[..., Place]) -> None:
    place = placed(running=2, session_running=1)
    board = place.board()
    place.dawdle("storyboard")
    for name, count in (("a", 2), ("b", 1), ("c", 1)):
        board.submit(name, [place.order(seed=seed) for seed in range(count)], digest=name)
    most, both = 0, set[str]()
    with Workers(place, "celery") as workers:
        for _ in range(3):
            workers.start()

        def all_closed() -> bool:
            nonlocal most
            at_work = [found.id for found in board.sessions(9) for each in found.videos if each.status == "running"]
            most = max(most, len(at_work))
            both.update(name for name in at_work if at_work.count(name) > 1)
            return all(found.status == "finished" for found in board.sessions(9))

        def all_wait() -> bool:
            """Two renders, until they may go on, and a third worker that finds nothing to do."""
            all_closed()
            return most == 2 and board.counts().workers == 3

        eventually(all_wait)
        place.hurry()
        eventually(all_closed)
    assert (most, both) == (2, set())
    board.close()


def test_job_that_kills_its_worker_is_parked(placed: Callable[..., Place], tmp_path: Path) -> None:
    """A plugin that kills the render, what keeps it, and the worker above."""
    poison = tmp_path / "poison_plugin.py"
    poison.write_text(
        "import os, signal, sys\nimport psutil\nfrom qmv.hookspecs import hookimpl\nfrom qmv.events import RunStarted\n"
        "@hookimpl\ndef qmv_event(event):\n"
        "    if isinstance(event, RunStarted) and 'session=bad' in sys.argv:\n"
        "        worker = psutil.Process(psutil.Process(os.getppid()).ppid())\n"
        "        os.kill(worker.pid, signal.SIGKILL)\n        os.kill(os.getpid(), signal.SIGKILL)\n",
        encoding="utf-8",
    )
    place = placed(f"plugins={poison}", lease_s=6.0, attempts=2)
    board = place.board()
    board.submit("bad", [place.order()], digest="bad", priority=9)
    board.submit("good", [place.order()], digest="good")
    with Workers(place, "celery") as workers:
        for _ in range(2):
            worker = workers.start()
            assert worker.wait(PATIENCE_S) == -signal.SIGKILL
            workers.running.remove(worker)
        workers.start()
        assert closed(board, "good").status == "finished"
        bad = closed(board, "bad").videos[0]
    assert (bad.status, bad.parked) == ("failed", True)
    assert "2 of them ended" in bad.error
    board.close()


def test_cancel_reaches_a_running_render_and_a_waiting_one(placed: Callable[..., Place]) -> None:
    place = placed()
    board = place.board()
    place.dawdle("video")
    board.submit("s", [place.order(seed=seed) for seed in (0, 1)], digest="s")
    with Workers(place, "celery") as workers:
        worker = workers.start()
        running_at(place, board, "s")
        pids = [child.pid for child in children_of(worker.pid, "qmv.service")]
        board.cancel("s")
        assert gone(pids)
        assert closed(board, "s").status == "cancelled"
    assert place.seen("begins", "s-2") == []
    board.close()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"REDIS_URL": ""}, "error: REDIS_URL: is not set"),
        ({"QMV_SERVICE_LEASE_S": "long"}, "error: QMV_SERVICE_LEASE_S: must be a number"),
        ({"LOG_LEVEL": "loud"}, "error: LOG_LEVEL: is DEBUG"),
        ({"REDIS_URL": "http://127.0.0.1"}, "error: REDIS_URL holds no address of Redis"),
        ({"QMV_SERVICE_OVERRIDES": "qualty=draft"}, "qualty"),
    ],
    ids=["no address", "a setting", "a level", "another address", "an override"],
)
def test_wrong_environment_is_one_sentence(
    environ: dict[str, str], words: str, environment: dict[str, str], tmp_path: Path
) -> None:
    settings = environment | {"REDIS_URL": "redis://127.0.0.1:1/0", "PYTHONPATH": str(ROOT)} | environ
    ended = subprocess.run(START, cwd=tmp_path, env=settings, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_wrong_password_is_one_sentence(environment: dict[str, str], tmp_path: Path, redis: RedisServer) -> None:
    wrong = redis.url.replace(redis.password, "sesame-open-7")
    settings = environment | {"REDIS_URL": wrong, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(START, cwd=tmp_path, env=settings, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert "mend REDIS_URL" in line
    assert "sesame" not in ended.stderr


def test_worker_says_by_itself_what_it_does(placed: Callable[..., Place], tmp_path: Path) -> None:
    """At the level that Celery has by default, which tells nothing of its own."""
    place, said = placed(), tmp_path / "said.txt"
    board = place.board()
    with (
        said.open("wb") as stream,
        subprocess.Popen(START, cwd=ROOT, env=place.environ, stdout=stream, stderr=stream) as w,
    ):
        try:
            board.submit("a", [place.order()], digest="a")
            assert closed(board, "a").status == "finished"
            eventually(lambda: b"finished, after" in said.read_bytes())
        finally:
            w.terminate()
    text = said.read_text()
    assert "ready, as" in text
    assert "video 1 of a: try 1" in text
    board.close()


def test_password_stands_in_no_log(environment: dict[str, str], tmp_path: Path) -> None:
    """Also where Redis cannot be reached, and at the level that tells most."""
    said = tmp_path / "said.txt"
    settings = environment | {
        "REDIS_URL": "redis://someone:sesame-open-7@127.0.0.1:1/0", "LOG_LEVEL": "DEBUG", "PYTHONPATH": str(ROOT),
        "QMV_SERVICE_OUTPUTS": str(tmp_path / "outputs"),
    }  # fmt: skip
    with (
        said.open("wb") as stream,
        subprocess.Popen(START, cwd=tmp_path, env=settings, stdout=stream, stderr=stream) as w,
    ):
        try:
            eventually(lambda: b"Cannot connect" in said.read_bytes())
        finally:
            w.kill()
    assert b"sesame-open-7" not in said.read_bytes()
