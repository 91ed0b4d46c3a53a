"""A service that sells pictures and breaks by script, and an event loop whose clock jumps to the next timer.

Nothing here touches the network or waits for real, so a deadline of 300 s passes in a moment. The service's memory and
its clock outlive the runs that buy from it, as those of a real one do.
"""

from __future__ import annotations

import asyncio
import functools
import io
import selectors
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from PIL import Image

from qmv.api import ImageRequest
from qmv.buying.seller import Busy, Doubt, Refused, Sold, Spoilt
from qmv.errors import AccessError

__all__ = ["BAD", "CHARGED", "FATES", "SIZE", "Clerk", "Service", "in_virtual_time", "picture"]

SIZE = (64, 36)
BAD = ("corrupt", "blank", "wrong_size", "unwanted", "gone", "unreachable")  # paid for, and no picture to be had
CHARGED = ("good", "flaky", "charged", "slow", "late", "hangs_charged", "bug", "denied_charged", *BAD)
FATES = (*CHARGED, "busy", "crowded", "refused", "lost", "failed", "hangs", "denied", "denied_later")

_MAKES_S, _SLOW_S, _LATE_S, _ANSWER_S = 5.0, 40.0, 0.9, 0.1
_FOREVER_S = 1e6


# -- the clock -------------------------------------------------------------------------------------------------------


class _Jumping(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    """Waits for real while a thread works for the loop; else it takes the loop's clock to its next timer."""

    loop: _VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or (self.loop.jobs and timeout > 0):
            return super().select(30)  # a thread wakes the loop when it is done
        self.loop.now += max(0.0, timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, now: float) -> None:
        self.now, self.jobs = now, 0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)
        self.threads = ThreadPoolExecutor(1)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        self.jobs += 1
        future = asyncio.wrap_future(self.threads.submit(func, *args), loop=self)
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self.jobs -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self.threads.shutdown()  # what has begun goes to its end, as when a process ends in order


def in_virtual_time(main: Coroutine[Any, Any, Any], now: float, cut_s: float | None = None) -> tuple[Any, float]:
    """What `main` gives, and the time when it ended; None where it was cancelled `cut_s` after it began."""

    async def run() -> Any:
        task = asyncio.create_task(main)
        if cut_s is not None:
            asyncio.get_running_loop().call_later(cut_s, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    loop = _VirtualLoop(now)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run()), loop.now


# -- the service -----------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Job:
    """An order that the service has, or will have when its message arrives."""

    picture: int
    fate: str
    arrives: float
    done: float
    fetched: int = 0


@dataclass(kw_only=True)
class Service:
    """`fates` are those of each picture's orders, in the sequence in which the service gets them; after them all is
    good. `charges` and `got` are its own books: (time, order, picture, fate) of what it took and of what was sent."""

    fates: dict[int, list[str]]
    cost: Decimal | None = Decimal("0.01")
    asks_in_vain: Iterable[bool] = ()  # whether asking what became of an order gets no answer, call by call
    jobs: dict[str, _Job] = field(default_factory=dict)
    charges: list[tuple[float, str, int, str]] = field(default_factory=list)
    got: list[tuple[float, str, int, str]] = field(default_factory=list)
    denied: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._in_vain = iter(self.asks_in_vain)

    def take(self, now: float, request: ImageRequest, order: str) -> _Job:
        waiting = self.fates.get(request.index, [])
        fate = waiting.pop(0) if waiting else "good"
        self.got.append((now, order, request.index, fate))
        arrives = now + (_LATE_S if fate == "late" else 0.0)
        job = _Job(picture=request.index, fate=fate, arrives=arrives, done=arrives + _MAKES_S)
        if fate in ("slow", "hangs_charged"):
            job.done = now + _SLOW_S
        if fate in (*CHARGED, "failed"):
            self.jobs[order] = job
        if fate in CHARGED:
            self.charges.append((arrives, order, request.index, fate))
        return job

    def unanswered(self) -> bool:
        return next(self._in_vain, False)


@dataclass(kw_only=True)
class Clerk:
    """The seller of a run, of the service that all runs share."""

    service: Service
    asks: bool = True
    name: str = "trial"
    closed: int = 0

    async def order(self, request: ImageRequest, order: str) -> Sold:
        now = asyncio.get_running_loop().time()
        if order in self.service.jobs:
            raise Doubt("the service has the order already")
        job = self.service.take(now, request, order)
        slow = {"hangs": _FOREVER_S, "hangs_charged": _FOREVER_S, "denied_later": _MAKES_S}
        await asyncio.sleep(slow.get(job.fate, _ANSWER_S))
        match job.fate:
            case "busy":
                raise Busy("the service failed")
            case "crowded":
                raise Busy("the service wants fewer orders", wait_s=20, everyone=True)
            case "refused":
                raise Refused("the service will not draw it")
            case "lost" | "charged" | "slow" | "late" | "failed":
                raise Doubt("the connection was lost")
            case "bug":
                raise KeyError("a field that nobody expected")
            case "denied" | "denied_later" | "denied_charged":
                self.service.denied.append(asyncio.get_running_loop().time())
                raise AccessError("trial: no credits left.") from (Doubt() if job.fate == "denied_charged" else None)
        await asyncio.sleep(_MAKES_S)
        return self._sold(order, job)

    async def find(self, request: ImageRequest, order: str) -> Sold | None:
        await asyncio.sleep(_ANSWER_S)
        now, job = asyncio.get_running_loop().time(), self.service.jobs.get(order)
        if self.service.unanswered():
            raise Doubt("the service does not say what became of the order")
        if job is None or now < job.arrives:
            return None
        if now < job.done:
            raise Doubt("the order is still in work")
        if job.fate == "failed":
            raise Busy("the service failed")
        return self._sold(order, job)

    async def fetch(self, sold: Sold) -> bytes:
        await asyncio.sleep(_ANSWER_S)
        job = self.service.jobs[sold.url]
        job.fetched += 1
        if job.fate == "unreachable" or (job.fate == "flaky" and job.fetched <= 2):
            raise Doubt("the picture's file cannot be fetched")
        if job.fate == "gone":
            raise Spoilt("the picture's file is not there")
        return picture(job.fate)

    def size(self, request: ImageRequest) -> tuple[int, int] | None:
        return SIZE

    async def close(self) -> None:
        self.closed += 1

    def _sold(self, order: str, job: _Job) -> Sold:
        return Sold(url=order, cost=self.service.cost, unwanted="it is unsafe" if job.fate == "unwanted" else "")


@functools.cache
def picture(kind: str = "good", size: tuple[int, int] = SIZE) -> bytes:
    """A PNG file; `kind` is one of BAD, any other word is a whole picture."""
    width, height = (size[0] // 2, size[1]) if kind == "wrong_size" else size
    rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(rgb * np.uint8(kind != "blank")).save(stream, "PNG")
    return stream.getvalue()[: len(stream.getvalue()) // 2 if kind == "corrupt" else None]
