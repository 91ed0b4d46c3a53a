"""Uploads over a connection that breaks, and by processes that are killed: none lost, half visible, or doubled."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qmv.artifacts import File
from qmv.errors import ServiceError
from qmv.objects.delivery import deliver
from qmv.objects.gcs import GcsStore
from qmv.objects.gcs_session import GRAIN_BYTES
from qmv.objects.store import Upload
from tests.fakes.gcs.process import FakeGcs, emulator, fake_gcs
from tests.fakes.proxy import proxy

SIZE_BYTES = 3 * GRAIN_BYTES + 77
STORE = GcsStore(
    where="storage (gcs)", bucket="films", chunk_bytes=GRAIN_BYTES, patience_s=20, first_wait_s=0.01,
    timeouts_s=(2.0, 0.4),
)  # fmt: skip
FAULTS = {"reset": 0.07, "lost": 0.06, "cut": 0.03, "unavailable": 0.08, "stall": 0.02, "stall_s": 0.7}
_HELD_WITHIN_S = 30.0

SENDER = """
import sys
from pathlib import Path
from qmv.artifacts import File
from qmv.objects.delivery import deliver
from qmv.objects.gcs import GcsStore
from qmv.objects.store import Upload

film = File.of(Path(sys.argv[1]))
upload = Upload(file=film, key="film.mp4", memory=Path(sys.argv[2]))
store = GcsStore(where="storage (gcs)", bucket="films", chunk_bytes=1 << 18, first_wait_s=0.01)
print(deliver(store, upload, overwrite=False, progress=lambda done: None).url)
"""


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with emulator(tmp_path_factory.mktemp("emulator")) as port:
        yield port


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGcs]:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    with fake_gcs(tmp_path / "fake") as running:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(running.key))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # what the library asks Google goes nowhere
        yield running


def film(folder: Path, number: int = 0) -> Upload:
    path = folder / f"film-{number}.mp4"
    path.write_bytes((bytes([number]) * 255 + b"-") * (SIZE_BYTES // 256) + bytes(SIZE_BYTES % 256))
    return Upload(file=File.of(path), key=f"film-{number}.mp4", memory=folder / f"memory-{number}.json")


class Reader:
    """Looks all the time, past the proxy, whether a half or a second version of a film can be seen."""

    def __init__(self, url: str) -> None:
        self.url, self.wrong, self._ended = url, [], threading.Event()
        self.seen: dict[str, set[str]] = {}
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            with urllib.request.urlopen(f"{self.url}/storage/v1/b/films/o") as answer:
                found = json.load(answer).get("items", [])
            for each in found:
                self.seen.setdefault(each["name"], set()).add(each["generation"])
                if int(each["size"]) != SIZE_BYTES:
                    self.wrong.append(each)


def test_no_upload_is_lost_halved_or_doubled_by_a_bad_connection(
    emulated: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bucket(emulated)
    given = [film(tmp_path, number) for number in range(12)]
    with proxy(tmp_path / "proxy", upstream_port=emulated, seed=7, **FAULTS) as broken:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", broken.url)
        with Reader(f"http://127.0.0.1:{emulated}") as reader:
            for each in given:
                deliver(STORE, each, overwrite=False, progress=lambda done: None)
        met = {line["fault"] for line in broken.requests()}
    assert {"reset", "lost", "unavailable", "stall"} <= met
    assert reader.wrong == []
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{emulated}")
    for each in given:
        STORE.fetch(each.key, tmp_path / "back", SIZE_BYTES)
        assert (tmp_path / "back").read_bytes() == each.file.path.read_bytes()
    assert all(len(versions) <= 1 for versions in reader.seen.values())


def make_bucket(port: int) -> None:
    url, kind = f"http://127.0.0.1:{port}/storage/v1/b?project=p", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data=b'{"name": "films"}', headers=kind)):
        pass


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_connection_costs_no_whole_film(
    fake: FakeGcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    given = [film(tmp_path, number) for number in range(3)]
    with proxy(tmp_path / "proxy", upstream_port=fake.port, seed=seed, **FAULTS) as broken:
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", broken.url)
        for each in given:
            deliver(STORE, each, overwrite=False, progress=lambda done: None)
            STORE.fetch(each.key, tmp_path / "back", SIZE_BYTES)
            assert (tmp_path / "back").read_bytes() == each.file.path.read_bytes()
        broke = sum(line["fault"] in ("reset", "lost") for line in broken.requests())
    assert broken.sent_bytes() <= len(given) * SIZE_BYTES + broke * GRAIN_BYTES  # what a fault costs is one chunk


def test_a_killed_upload_goes_on_in_the_next_process(
    fake: FakeGcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = film(tmp_path)
    with proxy(tmp_path / "proxy", upstream_port=fake.port, hold_after=(2 * GRAIN_BYTES + 100_000,)) as broken:
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", broken.url)
        command = [sys.executable, "-c", SENDER, str(given.file.path), str(given.memory)]
        with subprocess.Popen(command) as first:
            wait_for(lambda: any(line["fault"] == "hold" for line in broken.requests()))
            assert not any(line["status"] == 200 for line in broken.requests() if line["method"] == "PUT")
            first.send_signal(signal.SIGKILL)
        before = len(broken.requests())
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        sent = [line["sent_bytes"] for line in broken.requests()[before:] if line["method"] == "PUT"]
    assert sum(sent) == SIZE_BYTES - 2 * GRAIN_BYTES
    assert not given.memory.exists()  # type: ignore[union-attr]
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", fake.url)
    STORE.fetch("film.mp4", tmp_path / "back", SIZE_BYTES)
    assert (tmp_path / "back").read_bytes() == given.file.path.read_bytes()


def wait_for(there: Callable[[], bool]) -> None:
    until = time.monotonic() + _HELD_WITHIN_S
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_broken_read_goes_on_where_it_broke(fake: FakeGcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = film(tmp_path)
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", fake.url)
    deliver(STORE, given, overwrite=False, progress=lambda done: None)
    with proxy(tmp_path / "proxy", upstream_port=fake.port, seed=3, cut=0.5) as broken:
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", broken.url)
        STORE.fetch(given.key, tmp_path / "back", SIZE_BYTES)
        cuts = [line for line in broken.requests() if line["fault"] == "cut" and "download" in line["path"]]
    assert cuts
    assert (tmp_path / "back").read_bytes() == given.file.path.read_bytes()


@pytest.mark.parametrize("fault", ["reset", "unavailable", "stall"])
def test_patience_ends_with_a_sentence_that_says_how_to_go_on(
    fake: FakeGcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    store, given = replace(STORE, patience_s=0.3, timeouts_s=(0.3, 0.3)), film(tmp_path)
    with proxy(tmp_path / "proxy", upstream_port=fake.port, **{fault: 1.0}) as broken:  # type: ignore[arg-type]
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", broken.url)
        with pytest.raises(ServiceError, match=r"nothing went on for .*; check the network .* goes on where") as told:
            store.send(given, None, lambda done: None)
    assert "upload_id" not in str(told.value)


def test_an_outage_keeps_the_memory_for_the_next_run(
    fake: FakeGcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, given, told = replace(STORE, patience_s=0.3, timeouts_s=(0.3, 0.3)), film(tmp_path), []
    holds = tuple(itertools.accumulate([2 * GRAIN_BYTES] + [GRAIN_BYTES] * 4))
    with proxy(tmp_path / "proxy", upstream_port=fake.port, hold_after=holds, stall=0.0) as broken:
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", broken.url)
        with pytest.raises(ServiceError):
            store.send(given, None, told.append)
        assert given.memory.exists()  # type: ignore[union-attr]
        for _ in range(6):
            try:
                store.send(given, None, told.append)
                break
            except ServiceError:
                pass
    assert told[-1] == SIZE_BYTES
    assert told == sorted(told)
