"""What others spoil, or a newer version wrote, is in no one's way on any board."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Word
from qmv.service.queue.redis_board import RedisBoard
from tests.fakes.redis_server import RedisServer
from tests.service.queue.boards import Clock, Opens, asked, claimed, video


@pytest.mark.parametrize("text", ["{", "[]", '{"order": 1}', "null", '"x"', "[" * 100_000], ids=lambda text: text[:9])
def test_a_job_that_cannot_be_read_stops_no_other(opened: Opens, tmp_path: Path, redis: RedisServer, text: str) -> None:
    board = opened()
    asked(board, "bad", 2, priority=9)
    asked(board, "good")
    if isinstance(board, RedisBoard):
        redis.client.hset("qmv:session:bad", mapping={"1": text, "2": text})
        redis.client.hset("qmv:open", "odd", text)
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            db.execute("UPDATE jobs SET job = ? WHERE session = 'bad'", (text,))
        db.close()
    assert board.session("bad") is None
    assert [session.id for session in board.sessions(9)] == ["good"]
    assert board.finish(claimed(board), {})
    assert board.claim("w") is None
    assert board.cancel("bad") is None
    assert asked(board, "bad").status == "queued"
    assert claimed(board).session == "bad"


def test_a_running_job_that_cannot_be_read_any_more_is_put_aside(
    opened: Opens, clock: Clock, tmp_path: Path, redis: RedisServer
) -> None:
    board = opened()
    asked(board, "bad")
    claim = claimed(board)
    if isinstance(board, RedisBoard):
        redis.client.hset("qmv:session:bad", "1", "{")
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            db.execute("UPDATE jobs SET job = '{'")
        db.close()
    assert board.tell(claim, Live()) is Word.LOST
    clock.now += 15
    assert board.claim("w") is None
    assert (board.due(), board.counts().running) == (0, 0)


@pytest.mark.parametrize(
    "newer", [{"mood": "calm"}, {"song": None}, {"song": None, "songs": ["a.wav"]}], ids=["more", "less", "other"]
)
def test_what_a_newer_version_asked_for_waits_for_its_workers(
    opened: Opens, clock: Clock, tmp_path: Path, redis: RedisServer, newer: dict[str, Any]
) -> None:
    board = opened()
    asked(board, "theirs", priority=9)
    asked(board, "ours")
    mine = stored(board, redis, tmp_path)
    order = {name: value for name, value in {**mine["order"], **newer}.items() if value is not None}
    store(board, redis, tmp_path, {**mine, "order": order})
    ours = claimed(board)
    assert ours.session == "ours"
    clock.now += 1000
    assert claimed(board).session == "ours"
    assert board.claim("w") is None
    assert stored(board, redis, tmp_path)["order"] == order
    store(board, redis, tmp_path, mine)  # as if this were a worker of that version
    assert claimed(board).session == "theirs"


def test_what_a_newer_version_asked_for_is_kept_with_all_that_becomes_of_it(
    opened: Opens, clock: Clock, tmp_path: Path, redis: RedisServer
) -> None:
    board = opened()
    asked(board, "theirs")
    before = video(board, "theirs")
    claim = claimed(board)
    running = stored(board, redis, tmp_path)
    order = {**running["order"], "mood": "calm"}
    store(board, redis, tmp_path, {**running, "order": order})
    assert video(board, "theirs").status == "running"
    assert board.tell(claim, Live(percent=3)) is Word.GO_ON
    clock.now += 15
    assert board.claim("w") is None  # lost, and nobody here can make it
    board.cancel("theirs")
    assert board.retry("theirs") is not None
    assert (video(board, "theirs").status, board.claim("w")) == ("queued", None)
    assert video(board, "theirs").title == before.title
    assert stored(board, redis, tmp_path)["order"] == order


def stored(board: Board, redis: RedisServer, tmp_path: Path) -> dict[str, Any]:
    """The first job of the session `theirs`, as it is kept."""
    if isinstance(board, RedisBoard):
        text = redis.client.hget("qmv:session:theirs", "1")
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            text = db.execute("SELECT job FROM jobs WHERE session = 'theirs'").fetchone()[0]
        db.close()
    job: dict[str, Any] = json.loads(text)
    return job


def store(board: Board, redis: RedisServer, tmp_path: Path, job: dict[str, Any]) -> None:
    if isinstance(board, RedisBoard):
        redis.client.hset("qmv:session:theirs", "1", json.dumps(job))
    else:
        with sqlite3.connect(tmp_path / "state" / "state.sqlite") as db:
            db.execute("UPDATE jobs SET job = ? WHERE session = 'theirs'", (json.dumps(job),))
        db.close()
