"""Questions to a place that may never answer: given up after a while, in threads for which nobody waits.

A server that takes a connection and says nothing, or a byte now and then, is no fault to any library. What is given up
goes on in its thread, and ends with the process at the latest.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

__all__ = ["in_time", "side_by_side"]

Item = TypeVar("Item")
T = TypeVar("T")
_LOOK_S = 1.0  # between two looks at what has come


def in_time(ask: Callable[[], T], seconds: float) -> T:
    """The answer to a question; raises TimeoutError where none comes in time."""
    return next(side_by_side(lambda _: ask(), [None], threads=1, came=lambda: 0, silence_s=seconds))


def side_by_side(
    do: Callable[[Item], T],
    items: Sequence[Item],
    *,
    threads: int,
    came: Callable[[], int],
    silence_s: float,
    least: int = 1,
) -> Iterator[T]:
    """What `do` gives for each item, as they end.

    `came` counts the bytes that are here. Raises TimeoutError where no item ends for `silence_s`, and fewer than
    `least` bytes come.
    """
    todo: queue.SimpleQueue[Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[list[T], BaseException | None]] = queue.SimpleQueue()
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            try:
                item = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(([do(item)], None))
            except BaseException as error:  # its own thread is no place to end in
                done.put(([], error))

    for item in items:
        todo.put(item)
    for _ in range(min(threads, len(items))):
        threading.Thread(target=work, name="qmv-asks", daemon=True).start()
    left, since, had = len(items), time.monotonic(), came()
    try:
        while left:
            try:
                results, error = done.get(timeout=min(_LOOK_S, silence_s))
            except queue.Empty:
                if (now := came()) - had >= least:
                    since, had = time.monotonic(), now
                elif time.monotonic() - since >= silence_s:
                    raise TimeoutError(f"no answer for {silence_s:.0f} s") from None
                continue
            if error is not None:
                raise error
            left, since, had = left - 1, time.monotonic(), came()
            yield from results
    finally:
        over.set()
