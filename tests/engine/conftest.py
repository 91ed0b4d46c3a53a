"""Plugin files, made-up stages, a ledger, and machines that share a cache: a folder, unless told otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from qmv.engine.cache import Cache
from qmv.engine.ledger import Ledger
from qmv.engine.shared_cache import SharedCache
from qmv.engine.sharing import shared_cache, sharing
from qmv.objects.store import ObjectStore
from tests.engine.desk import Desk
from tests.engine.machines import Machine, Start


@pytest.fixture
def plugin_file(tmp_path: Path) -> Callable[[str, str], str]:
    """Writes a plugin file and tells its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def machine(tmp_path: Path, place: Path) -> Start:
    """A machine by its name, in a run until the end of the block."""

    @contextlib.contextmanager
    def running(
        name: str,
        store: ObjectStore | None = None,
        *,
        sends: bool = True,
        results: Sequence[tuple[str, str]] = (),
        **patience: float,
    ) -> Iterator[Machine]:
        shared = shared_cache(str(place), sends=sends)
        if store is not None:
            shared = SharedCache(place=str(place), store=store, sends=sends, **patience)
        found = Machine(Cache(tmp_path / name, shared))
        with sharing(found.cache, found.told.append, lambda: results):
            yield found

    return running


@pytest.fixture
def desk(tmp_path: Path, song: Path) -> Desk:
    return Desk(tmp_path, song)
