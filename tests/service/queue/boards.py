"""Boards for tests, with a clock that stands still, and what the tests do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmv.service.queue.board import Board, Limits
from qmv.service.queue.jobs import Claim, Order, Session, Video

__all__ = ["FREE", "START", "Clock", "Opens", "asked", "claimed", "orders", "video"]

FREE = Limits(session_running=0)
START = 1_800_000_000.0
Opens = Callable[..., Board]


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def orders(count: int = 1, style: str = "neon") -> list[Order]:
    return [
        Order(song=f"/songs/{n}.wav", title=f"Song {n} ä", style=style, settings={"fps": 24})
        for n in range(1, count + 1)
    ]


def asked(board: Board, session: str = "s", count: int = 1, **given: Any) -> Session:
    return board.submit(session, orders(count), digest=given.pop("digest", "d"), **given)[0]


def claimed(board: Board, worker: str = "w") -> Claim:
    claim = board.claim(worker)
    assert claim is not None
    return claim


def video(board: Board, session: str = "s", n: int = 1) -> Video:
    found = board.session(session)
    assert found is not None
    return found.videos[n - 1]
