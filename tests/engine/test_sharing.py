"""From an address to a shared cache; and places that refuse, never answer or are away, each told once."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qmv.engine.sharing import shared_cache
from qmv.errors import AccessError, ConfigError, OutputError, QmvError, ServiceError
from qmv.objects.folder import FolderStore
from qmv.objects.store import Standing, Upload
from tests.engine.machines import KEYS, Start, anything, objects


def test_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMV_CACHE_KEY", "short")
    with pytest.raises(ConfigError, match=r"QMV_CACHE_KEY: has 5 characters"):
        shared_cache("folder", sends=True)


def test_address_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"run\.cache_url: 'ftp://x' is of no known kind"):
        shared_cache("ftp://x", sends=True)


def test_no_address_is_no_shared_cache() -> None:
    assert shared_cache(" ", sends=True) is None


@dataclass(frozen=True, kw_only=True)
class Odd(FolderStore):
    """A folder that fails at some things; `asked` counts what it was asked for."""

    at: tuple[str, ...]
    error: QmvError
    asked: list[str] = field(default_factory=list)

    def _maybe(self, name: str) -> None:
        self.asked.append(name)
        if name in self.at:
            raise self.error

    def check(self) -> None:
        self._maybe("check")

    def look(self, key: str) -> Standing | None:
        self._maybe("look")
        return super().look(key)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        self._maybe("fetch")
        return super().fetch(key, target, most_bytes)

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        self._maybe("send")
        super().send(upload, replaces, progress)


AWAY = ServiceError("run.cache_url: host cannot be reached, for 20 s now; look at the network.")
REFUSED = AccessError("run.cache_url: no permission for the bucket; the key needs more rights.")


@pytest.mark.parametrize(
    "at", [("check",), ("check", "look", "fetch", "send"), ("fetch",), ("send",), ("look",)], ids=str
)
def test_network_that_is_away_is_told_once_and_nothing_is_lost(
    machine: Start, place: Path, at: tuple[str, ...]
) -> None:
    store = Odd(where="run.cache_url", folder=place, link=False, at=at, error=AWAY)
    with machine("a", store) as a:
        assert [a.made(key) for key in KEYS] == [True] * len(KEYS)
    assert [words for words in a.told if "waiting" not in words] == [
        "the shared cache is away (host cannot be reached, for 20 s now); this run goes on without it"
    ]
    with machine("a") as a:
        pass
    assert sorted(objects(place)) == sorted(KEYS)


def test_network_that_is_away_is_not_asked_for_each_entry(machine: Start, place: Path) -> None:
    store = Odd(where="run.cache_url", folder=place, link=False, at=("look", "fetch", "send"), error=AWAY)
    with machine("a", store) as a:
        a.cache.bring("area", KEYS, anything)
        for key in KEYS:
            a.made(key)
    assert len(store.asked) <= 1 + 16  # as many as were on their way


@pytest.mark.parametrize("error", [REFUSED, OutputError("run.cache_url: the disk is full; free some.")], ids=repr)
def test_place_that_takes_nothing_is_told_once_and_still_read(machine: Start, place: Path, error: QmvError) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    store = Odd(where="run.cache_url", folder=place, link=False, at=("send",), error=error)
    with machine("b", store) as b:
        assert [b.made(key) for key in KEYS[1:]] == [True] * 39
        b.cache.shared._outbox.wait()  # type: ignore[union-attr]
        assert not b.made(KEYS[0])
    assert [words.partition("(")[0] for words in b.told] == ["the shared cache takes nothing "]
    assert store.asked.count("send") <= 4


def test_machine_that_may_only_read_takes_part(machine: Start, place: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    store = Odd(where="run.cache_url", folder=place, link=False, at=("check", "send"), error=REFUSED)
    with machine("b", store) as b:
        assert (b.made(KEYS[0]), b.made(KEYS[1])) == (False, True)
    assert b.told == ["the shared cache takes nothing (no permission for the bucket); this run goes on without sending"]
    assert "send" not in store.asked


@pytest.mark.parametrize("at", [("check",), ("check", "look")], ids=str)
def test_place_that_can_be_neither_read_nor_written_stops_the_run(
    machine: Start, place: Path, at: tuple[str, ...]
) -> None:
    """A bucket that is not there, or one in which nobody has shared anything."""
    store = Odd(where="run.cache_url", folder=place, link=False, at=at, error=REFUSED)
    with pytest.raises(AccessError, match="no permission"), machine("a", store):
        raise AssertionError("the run began")


@dataclass(frozen=True, kw_only=True)
class Silent(FolderStore):
    """A folder that never answers some questions, while the test runs; others drip into the file."""

    over: threading.Event = field(default_factory=threading.Event)
    silent: tuple[str, ...] = ()

    def check(self) -> None:
        if "check" in self.silent:
            self.over.wait(60)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        for name in self.silent:
            while key.endswith(f"{name}.qmv1") and not self.over.is_set():
                with target.open("ab") as stream:
                    stream.write(b"x")
                self.over.wait(0.02)
        return super().fetch(key, target, most_bytes)


@pytest.fixture
def silent(place: Path) -> Iterator[Callable[..., Silent]]:
    over = threading.Event()
    yield lambda *names: Silent(where="run.cache_url", folder=place, link=False, silent=names, over=over)
    over.set()


def test_place_that_never_answers_is_left_before_the_run(machine: Start, silent: Callable[..., Silent]) -> None:
    with machine("a", silent("check"), answer_s=0.1) as a:
        assert [a.made(key) for key in KEYS] == [True] * len(KEYS)
    assert a.told == ["the shared cache is away (no answer for 0 s); this run goes on without it"]


def test_place_that_drips_is_left_once_and_what_came_before_is_used(
    machine: Start, silent: Callable[..., Silent]
) -> None:
    """And the entry that never came can be made at once."""
    with machine("a") as a:
        for key in KEYS[:20]:
            a.made(key)
    with machine("b", silent(KEYS[3]), silence_s=0.5) as b:
        b.cache.bring("area", KEYS[:20], anything)
        assert [b.value(key) is None for key in KEYS[:20]] == [n == 3 for n in range(20)]
        assert b.made(KEYS[3], "made on b")
        assert b.value(KEYS[3]) == "made on b"
    assert b.told == ["the shared cache is away (no answer for 0 s); this run goes on without it"]


def test_folder_that_is_a_file_is_told_once(machine: Start, place: Path) -> None:
    place.write_text("a file", encoding="utf-8")
    with machine("a") as a:
        assert [a.made(key) for key in KEYS] == [True] * len(KEYS)
    assert a.told == ["the shared cache is away (Not a directory); this run goes on without it"]


def test_place_that_goes_away_while_it_is_used_is_told_once(machine: Start, place: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    with machine("b") as b:
        assert not b.made(KEYS[0])
        shutil.rmtree(place)
        place.write_text("a file", encoding="utf-8")
        assert [b.made(key) for key in KEYS[1:]] == [True] * len(KEYS[1:])
    assert b.told == ["the shared cache is away (Not a directory); this run goes on without it"]
