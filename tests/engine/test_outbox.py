"""What is sent to a shared folder at the end of a run: all of it, for a while only, or by the next run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmv.engine.outbox import SIGN
from qmv.errors import OutputError, ServiceError
from qmv.objects.folder import FolderStore
from qmv.objects.store import Standing, Upload
from tests.engine.machines import KEYS, Start, objects


def test_failed_run_still_sends_what_it_made(machine: Start, place: Path) -> None:
    store = FolderStore(where="w", folder=place, link=False)
    with contextlib.suppress(OutputError), machine("a", store, failed_s=300.0) as a:
        a.made(KEYS[0])
        raise OutputError("the run failed")
    assert list(objects(place)) == [KEYS[0]]


def test_cancelled_run_waits_for_nothing_and_the_next_one_sends_the_rest(machine: Start, place: Path) -> None:
    goes_on = threading.Event()

    class Slow(FolderStore):
        def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
            goes_on.wait(30)
            super().send(upload, replaces, progress)

    with contextlib.suppress(KeyboardInterrupt), machine("a", Slow(where="w", folder=place, link=False)) as a:
        for key in KEYS:
            a.made(key)
        raise KeyboardInterrupt
    assert objects(place) == {}
    goes_on.set()
    with machine("a"):
        pass
    assert sorted(objects(place)) == sorted(KEYS)
    assert not [path for path in (a.cache.root / "unshared").rglob("*") if path.is_file()]


def test_end_of_a_run_waits_for_what_is_sent_for_a_while_only_and_says_so_once(machine: Start, place: Path) -> None:
    goes_on = threading.Event()

    class Slow(FolderStore):
        def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
            if KEYS[0] not in upload.key:
                goes_on.wait(60)
            super().send(upload, replaces, progress)

    with machine("a", Slow(where="w", folder=place, link=False), sending_s=0.2) as a:
        for key in KEYS[:3]:
            a.made(key)
    [words] = a.told
    assert words.endswith("not in the shared cache yet; the next run sends what is missing")
    goes_on.set()
    with machine("a"):
        pass
    assert sorted(objects(place)) == sorted(KEYS[:3])


def hangs_at(key: str, place: Path, goes_on: threading.Event, error: Exception | None = None) -> FolderStore:
    """A place that takes two minutes for one entry, unless the test ends, and fails with `error` at the others."""

    class Hangs(FolderStore):
        def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
            if key in upload.key:
                reached.set()
                goes_on.wait(120)
            elif error is not None and upload.key != SIGN and reached.wait(60):
                raise error
            super().send(upload, replaces, progress)

    reached = threading.Event()
    return Hangs(where="run.cache_url", folder=place, link=False)


@pytest.fixture
def goes_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_place_that_was_called_away_is_not_waited_for(machine: Start, place: Path, goes_on: threading.Event) -> None:
    away = ServiceError("run.cache_url: no answer; look at the network.")
    with machine("a", hangs_at(KEYS[0], place, goes_on, away), sending_s=300.0) as a:
        for key in KEYS[:2]:
            a.made(key)
    assert [words for words in a.told if "waiting" not in words] == [
        "the shared cache is away (no answer); this run goes on without it"
    ]
    assert objects(place) == {}  # else the wait was as long as the entry's


def test_run_that_failed_tells_its_error_before_all_is_sent(
    machine: Start, place: Path, goes_on: threading.Event
) -> None:
    store = hangs_at(KEYS[0], place, goes_on)
    with contextlib.suppress(OutputError), machine("a", store, sending_s=300.0, failed_s=0.2) as a:
        a.made(KEYS[0])
        raise OutputError("the run failed")
    assert a.told == ["an entry is not in the shared cache yet; the next run sends what is missing"]


def test_first_entry_leaves_the_sign_by_which_readers_know_the_place(machine: Start, place: Path) -> None:
    with machine("a") as a:
        assert not (place / SIGN).exists()
        a.made(KEYS[0])
    assert (place / SIGN).is_file()
