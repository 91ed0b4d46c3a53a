"""A place in which small videos are made, and its board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmv.service.queue.board import Board
from tests.service.work.rendering import Place


@pytest.fixture
def place(tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]) -> Place:
    return Place.made(tmp_path / "here", click_track(tmp_path / "a song.wav"), environment)


@pytest.fixture
def board(place: Place) -> Iterator[Board]:
    board = place.board()
    yield board
    board.close()
