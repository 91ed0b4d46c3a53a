"""Work that would hold up the loop, done beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gevent.threadpool import ThreadPool

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """At most `count` at once; others wait, and the loop goes on."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ThreadPool | None = None

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Gives what the work gives, and raises what it raises."""
        if self._pool is None:
            self._pool = ThreadPool(self._count)

        def tried() -> tuple[T | None, Exception | None]:
            try:
                return work(*args, **kwargs), None
            except Exception as error:  # the pool would print it, with its traceback
                return None, error

        result, error = self._pool.apply(tried)
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]
