"""Lets observers see a run without a say in it: whatever they do, it goes on, and as fast as without them."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from qmv.api import About, Observer, Watcher
from qmv.engine.registry import Registry
from qmv.engine.secrets import redacted
from qmv.errors import PluginError, QmvError
from qmv.events import Event
from qmv.hookspecs import hookimpl

__all__ = ["PATIENCE_S", "Watch", "watched"]

log = logging.getLogger("qmv")
E = TypeVar("E", bound=Event)

PATIENCE_S = 2.0  # how long the end of a run waits for its observers, all together
_AGAIN_S = 0.2  # between tries to tell of the end


@contextmanager
def watched(registry: Registry, observers: Sequence[Observer], about: About) -> Iterator[None]:
    """Shows the events inside the block to observers; raises what their `ready` does, before any of them sees one."""
    for observer in observers:
        observer.ready(about)
    watches = [Watch(observer, about) for observer in observers]
    for watch in watches:
        registry.observe(watch)
    try:
        yield
    finally:
        until = time.monotonic() + PATIENCE_S
        for watch in watches:
            registry.forget(watch)
            watch.end(until)
        for watch in watches:
            watch.join(until)


class Watch:
    """One observer at one run: a thread that hands it events, as many as it can take."""

    def __init__(self, observer: Observer, about: About) -> None:
        self._observer, self._about = observer, about
        self._events: deque[Event] = deque()
        self._news = threading.Condition()
        self._until: float | None = None  # set when the run is over
        self._failing: set[str] = set()  # what it could not do the last time
        self._thread = threading.Thread(target=self._run, name=f"observer {observer.name}", daemon=True)
        self._thread.start()

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        with self._news:
            self._events.append(event)
            self._news.notify()

    def end(self, until: float) -> None:
        """There are no more events; what could not be told is tried again until then."""
        with self._news:
            self._until = until
            self._news.notify()

    def join(self, until: float) -> None:
        """Waits for the end of the thread; one that hangs is left behind, and ends with the process."""
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._tell_off("tell", TimeoutError("it does not answer"))

    def _run(self) -> None:
        watchers: list[Watcher] = []
        self._try("watch", lambda: watchers.append(_checked(self._observer.watch(self._about))))
        for watcher in watchers:
            self._show(watcher)

    def _show(self, watcher: Watcher) -> None:
        self._try("tell", watcher.tell)
        while (events := self._next()) is not None:
            for event in events:
                self._try("see", partial(_seen, watcher, event))  # here, since it takes a while
            self._try("tell", watcher.tell)
        while "tell" in self._failing and self._until is not None and time.monotonic() + _AGAIN_S < self._until:
            time.sleep(_AGAIN_S)
            self._try("tell", watcher.tell)
        self._try("close", watcher.close)

    def _next(self) -> list[Event] | None:
        """All events that have come, once there is one; None after the last."""
        with self._news:
            self._news.wait_for(lambda: bool(self._events) or self._until is not None)
            events = list(self._events)
            self._events.clear()
        return events or None

    def _try(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (Exception, SystemExit) as error:
            self._tell_off(what, error)
            return
        if what == "tell" and what in self._failing:
            self._failing.remove(what)
            log.info("observer %s: is told of the run again", self._observer.name)

    def _tell_off(self, what: str, error: BaseException) -> None:
        """One line for each time that it begins to fail; what nobody foresaw comes with its traceback."""
        text = " ".join(str(error).split()).rstrip(".")
        text = text if isinstance(error, QmvError) else f"{type(error).__name__}: {text}"
        log.log(
            logging.DEBUG if what in self._failing else logging.WARNING,
            "observer %s: could not be told of the run, which goes on (%s)", self._observer.name, text,
            exc_info=None if isinstance(error, (QmvError, TimeoutError)) else error,
        )  # fmt: skip
        self._failing.add(what)


def _checked(watcher: Any) -> Watcher:
    if not isinstance(watcher, Watcher):
        raise PluginError(f"watch() must give a Watcher, got {watcher!r}; mend the plugin.")
    return watcher


def _seen(watcher: Watcher, event: Event) -> None:
    watcher.see(_blanked(event))


def _blanked(event: E) -> E:
    """An event without secrets."""
    texts = {field.name: _clean(getattr(event, field.name)) for field in dataclasses.fields(event)}
    return dataclasses.replace(event, **texts)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, (list, tuple)):
        return tuple(_clean(item) for item in value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value
