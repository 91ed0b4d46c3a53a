"""Many at once on any board, also some that are killed: nobody shares a job, and none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qmv.live.progress import Live
from qmv.service.queue.board import Limits, Word
from tests.conftest import ROOT
from tests.fakes.redis_server import RedisServer
from tests.service.queue.boards import Opens, asked


def test_threads_that_hammer_lose_nothing_and_share_nothing(opened: Opens) -> None:
    """Six workers, a web that asks for more and one that cancels: whoever holds a job holds it alone."""
    board = opened(Limits(running=4, session_running=2, attempts=99), None)
    held, most, faults, done = Counter[tuple[str, int]](), [0], list[str](), threading.Event()
    lock, begun = threading.Lock(), [0]

    def work(worker: str) -> None:
        while not done.is_set():
            claim = board.claim(worker)
            if claim is None:
                time.sleep(0.005)
                continue
            job = (claim.session, claim.n)
            with lock:
                held[job] += 1
                begun[0] += 1
                most[0] = max(most[0], held.total())
                if held[job] > 1:
                    faults.append(f"{job} is held twice")
                turn = begun[0]
            word = board.tell(claim, Live(percent=turn % 100))
            board.add_picture(claim, 0, b"x")
            with lock:
                held[job] -= 1
            said = board.cancelled(claim) if word is Word.CANCEL else board.give_back(claim) if turn % 5 == 0 else (
                board.finish(claim, {"url": worker})
            )  # fmt: skip
            if not said:
                faults.append(f"{job} was taken away")

    def ask() -> None:
        for number in range(12):
            asked(board, f"s{number}", 3, key=f"k{number}")
            if number % 4 == 0:
                board.cancel(f"s{number}")

    threads = [guarded(faults, work, f"w{number}") for number in range(6)] + [guarded(faults, ask)]
    until = time.monotonic() + 120
    while time.monotonic() < until and not faults:
        totals = board.counts().totals
        if totals.get("finished", 0) + totals.get("cancelled", 0) == 36:
            break
        time.sleep(0.02)
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert most[0] <= 4
    totals = board.counts().totals
    assert (totals["submitted"], totals["finished"] + totals["cancelled"], board.counts().queued) == (36, 36, 0)
    assert all(session.status in ("finished", "cancelled") for session in board.sessions(99))


def guarded(faults: list[str], function: Callable[..., None], *given: Any) -> threading.Thread:
    def run() -> None:
        try:
            function(*given)
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


WORKER = """
import os, sys, time
from pathlib import Path
from qmv.live.progress import Live
from qmv.service.queue import redis_link
from qmv.service.queue.board import Limits
from qmv.service.queue.{kind}_board import {cls} as Kind
redis_link._ANSWER_S = 120.0
place, log, lasts = sys.argv[1:]
board = Kind(place if "://" in place else Path(place), Limits(session_running=0))
with open(log, "a", buffering=1) as out:
    while (claim := board.claim(str(os.getpid()))) or lasts:
        if claim is None:  # until it is killed
            time.sleep(0.01)
            continue
        print("claimed", claim.session, claim.n, claim.attempt, file=out)
        board.tell(claim, Live(percent=50.0))
        if board.finish(claim, {{"url": "u"}}):
            print("finished", claim.session, claim.n, claim.attempt, file=out)
"""


def test_processes_that_are_killed_lose_nothing(opened: Opens, kind: str, tmp_path: Path, redis: RedisServer) -> None:
    board = opened(Limits(session_running=0), None)
    for number in range(20):
        asked(board, f"s{number}", 10)
    code = WORKER.format(kind=kind, cls=type(board).__name__)
    place = redis.url if kind == "redis" else str(tmp_path / "state" / "state.sqlite")
    log = tmp_path / "log.txt"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, place, str(log), lasts], cwd=ROOT) for lasts in ("lasts", "", "")
    ]
    until = time.monotonic() + 120
    while time.monotonic() < until and (not log.exists() or log.read_text(encoding="utf-8").count("finished") < 20):
        time.sleep(0.01)
    os.kill(processes[0].pid, signal.SIGKILL)
    assert [process.wait(120) for process in processes] == [-signal.SIGKILL, 0, 0]
    said = Counter(tuple(line.split()) for line in log.read_text(encoding="utf-8").splitlines())
    assert set(said.values()) == {1}  # no job was claimed twice, none finished twice
    counts = board.counts()
    assert counts.queued == 0
    assert counts.totals["finished"] + counts.running == 200
    assert counts.running <= 1  # the killed one's, until its lease ends
