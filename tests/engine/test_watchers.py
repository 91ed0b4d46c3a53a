"""Observers of a run: what they see, and that nothing of theirs can hold it up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.api import About, Observer, Watcher, plugin, setting
from qmv.engine.registry import Registry
from qmv.engine.watchers import PATIENCE_S, watched
from qmv.errors import ConfigError, ServiceError
from qmv.events import Event, Notice, Progress, RunFinished
from qmv.testing import ObserverContract

END = RunFinished(status="finished", seconds=1.0)


class Note(Watcher):
    """Notes what it sees, and does what a test wants when it is to tell."""

    def __init__(self, work: Callable[[Note], None]) -> None:
        self.seen: list[Event] = []
        self.tells: list[int] = []  # how much it had seen, each time
        self.closed = False
        self._work = work

    def see(self, event: Event) -> None:
        self.seen.append(event)

    def tell(self) -> None:
        self.tells.append(len(self.seen))
        self._work(self)

    def close(self) -> None:
        self.closed = True


_notes: list[Note] = []
_works: list[Callable[[Note], None]] = []


@plugin
class Notes(Observer):
    """Keeps its watchers where tests find them."""

    name = "notes"
    unready: bool = setting("refuses to work", default=False)

    def ready(self, about: About) -> None:
        if self.unready:
            raise ConfigError("notes: there is no paper.")

    def watch(self, about: About) -> Watcher:
        _notes.append(Note(_works[-1]))
        return _notes[-1]


class TestNotes(ObserverContract):
    @pytest.fixture
    def plugin(self, notes: None) -> Notes:
        return Notes()


@pytest.fixture
def notes() -> Iterator[None]:
    _notes.clear()
    _works[:] = [lambda note: None]
    yield
    _notes.clear()
    _works.clear()


@pytest.fixture
def show(tmp_path: Path, notes: None) -> Callable[..., list[Note]]:
    """Shows events to observers, as a run does."""

    def shown(*events: Event, observers: tuple[Any, ...] = (Notes(),), work: Any = None) -> list[Note]:
        registry = Registry()
        _works.append(work or (lambda note: None))
        about = About(session="spring", n=1, folder=tmp_path, song="a.wav", style="neon")
        with watched(registry, observers, about):
            for event in events:
                registry.publish(event)
        registry.publish(Notice(node="late", message="nobody sees it"))
        return _notes

    return shown


def told_off(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_observer_sees_each_event_in_order_and_is_closed(show: Callable[..., list[Note]]) -> None:
    events = [Notice(node="n", message=str(number)) for number in range(100)]
    [note] = show(*events, END)
    assert note.seen == [*events, END]
    assert (note.tells[0], note.tells[-1], note.closed) == (0, 101, True)


def test_observer_that_is_slow_is_told_of_the_latest_state(notes: None) -> None:
    first = threading.Event()

    def work(note: Note) -> None:
        if len(note.tells) == 1:
            first.wait(20)

    registry, events = Registry(), [Notice(node="n", message=str(number)) for number in range(50)]
    _works.append(work)
    about = About(session="", n=1, folder=Path(), song="", style="")
    with watched(registry, [Notes()], about):
        for event in events:
            registry.publish(event)
        first.set()
    assert _notes[-1].tells == [0, 50]


def test_observers_get_no_secret(show: Callable[..., list[Note]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_API_KEY", "hush-hush-123")
    end = RunFinished(status="failed", seconds=1.0, error="no hush-hush-123", deliveries=({"url": "a?hush-hush-123"},))
    [note] = show(Notice(node="n", message="key hush-hush-123"), end)
    assert "hush-hush" not in repr(note.seen)
    assert note.seen[0] == Notice(node="n", message="key [secret]", at=note.seen[0].at)


def test_observer_that_hangs_holds_nothing_up(
    show: Callable[..., list[Note]], caplog: pytest.LogCaptureFixture
) -> None:
    for_ever = threading.Event()
    began = time.monotonic()
    pieces = [Progress(node="video", done=n, total=1000, unit="chunks") for n in range(1000)]
    show(*pieces, END, observers=(Notes(), Notes(), Notes()), work=lambda note: for_ever.wait(600))
    took_s = time.monotonic() - began
    for_ever.set()
    for thread in threading.enumerate():
        if thread.name == "observer notes":  # else it would go on in the next test
            thread.join()
    assert took_s < PATIENCE_S + 60.0  # with room for a busy machine
    assert (
        told_off(caplog)
        == ["observer notes: could not be told of the run, which goes on (TimeoutError: it does not answer)"] * 3
    )


def test_observer_that_fails_costs_a_line_and_is_told_again(
    show: Callable[..., list[Note]], caplog: pytest.LogCaptureFixture
) -> None:
    def work(note: Note) -> None:
        if len(note.tells) < 4:
            raise ServiceError("notes: the ink is dry; buy some.")

    with caplog.at_level(logging.INFO, "qmv"):
        [note] = show(END, work=work)
    assert (len(note.tells), note.closed) == (4, True)  # the end is tried again while the run waits
    assert told_off(caplog) == [
        "observer notes: could not be told of the run, which goes on (notes: the ink is dry; buy some)"
    ]
    assert "observer notes: is told of the run again" in caplog.text


def test_observer_with_a_bug_costs_one_traceback(
    show: Callable[..., list[Note]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def see(self: Note, event: Event) -> None:
        self.seen.append(event)
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Note, "see", see)
    [note] = show(Notice(node="n", message="a"), Notice(node="n", message="b"), END)
    assert (len(note.seen), note.closed) == (3, True)
    assert len(told_off(caplog)) == 1
    assert caplog.text.count("Traceback") == 1


def test_observer_that_gives_no_watcher_is_told_off(
    show: Callable[..., list[Note]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Notes, "watch", lambda self, about: None)
    show(END)
    assert "watch() must give a Watcher, got None; mend the plugin" in told_off(caplog)[0]


def test_observer_that_is_not_ready_stops_the_run_before_anybody_sees_it(show: Callable[..., list[Note]]) -> None:
    with pytest.raises(ConfigError, match="there is no paper"):
        show(END, observers=(Notes(), Notes(unready=True)))
    assert _notes == []


def test_observers_see_how_a_block_ended_that_raised(tmp_path: Path, notes: None) -> None:
    registry = Registry()
    about = About(session="", n=1, folder=tmp_path, song="", style="")

    def cancelled() -> None:
        with watched(registry, [Notes()], about):
            registry.publish(RunFinished(status="cancelled", seconds=1.0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cancelled()
    assert (len(_notes[-1].seen), _notes[-1].closed) == (1, True)
