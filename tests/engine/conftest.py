"""Plugin files, made-up stages, a ledger, a cache, and machines that share a cache: a folder, unless told otherwise."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.cache import Cache
from qmv.engine.ledger import Ledger
from qmv.engine.shared_cache import SharedCache
from qmv.engine.sharing import shared_cache, sharing
from qmv.objects.store import ObjectStore
from tests.engine.desk import Desk
from tests.engine.machines import Machine, Start
from tests.engine.song_site import Site
from tests.fakes.serving import started


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
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


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


@pytest.fixture
def site(tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Starts a server with its script; the fetcher has no patience with it."""
    from qmv.objects.web import Web

    for name in ("patience_s", "knocks_s"):
        monkeypatch.setitem(Web.__init__.__kwdefaults__, name, 0.0)
    files = tmp_path / "site" / "files"
    files.mkdir(parents=True)
    shutil.copy(song, files / "x.wav")
    cache = Cache(tmp_path / "cache")
    with contextlib.ExitStack() as stack:

        def start(*steps: dict[str, Any], **always: Any) -> Site:
            script = {"steps": {"/x.wav": list(steps)}, "always": {"/x.wav": always}}
            process = stack.enter_context(started("tests.fakes.song_server", tmp_path / "site", script))
            return Site(folder=process.folder, cache=cache, port=process.port, told=[])

        yield start
