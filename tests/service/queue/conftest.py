"""Each test that takes a board runs over every place where the queue can be kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.service.queue.board import Board, Limits
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.sqlite_board import SqliteBoard
from tests.fakes.redis_server import RedisServer, redis_server
from tests.service.queue.boards import FREE, Clock, Opens


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(kind: str, tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> Iterator[Opens]:
    """Opens boards on the same empty place."""
    boards: list[Board] = []
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        server.client.flushall()

    def board(limits: Limits = FREE, clock: Any = clock) -> Board:
        if kind == "redis":
            boards.append(RedisBoard(server.url, limits, clock))
        else:
            boards.append(SqliteBoard(tmp_path / "state" / "state.sqlite", limits, clock or time.time))
        return boards[-1]

    yield board
    for one in boards:
        one.close()


@pytest.fixture
def board(opened: Opens) -> Board:
    return opened()
