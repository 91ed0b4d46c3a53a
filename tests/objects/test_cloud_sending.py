"""How files get into buckets: whole or not at all, and never over somebody else's."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import obstore
import pytest

from qmv.artifacts import File
from qmv.errors import OutputError
from qmv.objects.cloud import CloudStore
from qmv.objects.cloud_copies import copy_condition
from qmv.objects.delivery import Stored, deliver
from qmv.objects.store import Taken, Upload
from tests.fakes.azure import azure
from tests.fakes.proxy import proxy
from tests.fakes.s3 import s3

ROOT = Path(__file__).parents[2]
TWENTY_MB = 20 << 20
METADATA = {"title": "Größe 100% ", "style": "neon"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-made-up-secret")


@pytest.fixture(scope="module", params=["s3", "s3 without conditional copies", "azure"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudStore]:
    folder = tmp_path_factory.mktemp("service")
    if request.param == "azure":
        with azure(folder, container="films") as blobs, pytest.MonkeyPatch.context() as patch:
            for name, value in blobs.environment().items():
                patch.setenv(name, value)
            yield CloudStore(where="storage", url="az://films", options=(("endpoint", blobs.url),))
    else:
        with s3(folder, bucket="films", conditional_copies=request.param == "s3") as bucket:
            yield CloudStore(where="storage", url="s3://films", options=(("endpoint", bucket.url),))


@pytest.fixture
def store(places: CloudStore, request: pytest.FixtureRequest) -> CloudStore:
    """A fresh folder in each of the services."""
    return replace(places, url=f"{places.url}/{request.node.originalname}")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[CloudStore]:
    with s3(tmp_path / "moto", bucket="films") as service:
        yield CloudStore(where="storage", url="s3://films", options=(("endpoint", service.url),))


def made(folder: Path, size_bytes: int, seed: int = 0) -> File:
    """A file whose kilobytes are all different."""
    path = folder / f"{size_bytes}-{seed}.mp4"
    pieces = (hashlib.sha256(f"{seed}-{n}".encode()).digest() * 32 for n in range(size_bytes // 1024 + 1))
    path.write_bytes(b"".join(pieces)[:size_bytes])
    return File.of(path)


def upload_of(file: File, key: str = "film.mp4") -> Upload:
    return Upload(
        file=file, key=key, content_type="video/mp4", cache_control="max-age=60", metadata=METADATA,
    )  # fmt: skip


def put(store: CloudStore, file: File, key: str = "film.mp4", *, overwrite: bool = False) -> Stored:
    return deliver(store, upload_of(file, key), overwrite=overwrite, progress=lambda done: None)


def port_of(store: CloudStore) -> int:
    port = urlsplit(store.endpoint).port
    assert port is not None
    return port


def names(store: CloudStore) -> list[str]:
    """All that stands in the bucket or the store's folder in it."""
    prefix = store.place.prefix or None
    return sorted(found["path"] for batch in obstore.list(store.client(), prefix) for found in batch)


def test_a_file_in_parts_arrives_with_all_that_was_told_of_it(store: CloudStore, tmp_path: Path) -> None:
    film, told = made(tmp_path, TWENTY_MB), [0]
    stored = deliver(store, upload_of(film, "Größe 1.mp4"), overwrite=False, progress=told.append)
    assert not stored.unchanged
    assert told == sorted(told)
    assert told[-1] == TWENTY_MB
    standing = store.look("Größe 1.mp4")
    assert standing is not None
    assert standing.content_type == "video/mp4"
    assert store.holds(standing, film)
    answer = httpx.get(store.sign("Größe 1.mp4", 1), headers={"Range": "bytes=8388600-8388620"})
    assert answer.status_code == 206
    assert answer.content == film.path.read_bytes()[8388600:8388621]
    found = obstore.get(store.client(), store.place.full("Größe 1.mp4", ""), options={"head": True}).attributes
    assert found.pop("Cache-Control") == "max-age=60"
    assert {name: unquote(text) for name, text in found.items()} == METADATA | {"Content-Type": "video/mp4"}
    assert names(store) == [store.place.full("Größe 1.mp4", "")]  # no part of it is left


@pytest.mark.parametrize("size_bytes", [0, 1, 16 << 20, (16 << 20) + 1])
def test_files_of_all_sizes_arrive(store: CloudStore, tmp_path: Path, size_bytes: int) -> None:
    film = made(tmp_path, size_bytes)
    key = f"{size_bytes}.mp4"
    put(store, film, key)
    store.fetch(key, tmp_path / "back", size_bytes)
    assert File.of(tmp_path / "back").sha256 == film.sha256
    assert put(store, film, key).unchanged


@pytest.mark.parametrize("size_bytes", [1000, 17 << 20])
def test_of_two_senders_of_one_key_one_wins_and_the_other_is_told(
    store: CloudStore, tmp_path: Path, size_bytes: int
) -> None:
    films = [made(tmp_path, size_bytes, seed) for seed in (1, 2)]
    key = f"{size_bytes}.mp4"
    together = threading.Barrier(2)

    def send(film: File) -> str:
        upload = upload_of(film, key)
        together.wait()
        try:
            store.send(upload, None, lambda done: None)  # both looked, and saw nothing
        except Taken:
            return "told"
        return film.sha256

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(send, films))
    assert ends.count("told") == 1
    store.fetch(key, tmp_path / "back", size_bytes)
    assert File.of(tmp_path / "back").sha256 in ends


@pytest.mark.parametrize("size_bytes", [1000, 17 << 20])
def test_two_senders_of_the_same_bytes_are_both_content(store: CloudStore, tmp_path: Path, size_bytes: int) -> None:
    film = made(tmp_path, size_bytes)
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda _: put(store, film, f"{size_bytes}.mp4"), range(2)))
    assert len({end.url for end in ends}) == 1
    assert put(store, film, f"{size_bytes}.mp4").unchanged


@pytest.mark.parametrize("size_bytes", [1000, 17 << 20])
def test_what_was_replaced_meanwhile_is_not_replaced_again(store: CloudStore, tmp_path: Path, size_bytes: int) -> None:
    first, second, third = (made(tmp_path, size_bytes, seed) for seed in (1, 2, 3))
    key = f"{size_bytes}.mp4"
    put(store, first, key)
    seen = store.look(key)
    put(store, second, key, overwrite=True)
    with pytest.raises(Taken):
        store.send(upload_of(third, key), seen, lambda done: None)
    with pytest.raises(OutputError, match=r"stands already with other content"):
        put(store, third, key)
    standing = store.look(key)
    assert standing is not None
    assert store.holds(standing, second)
    assert not store.holds(standing, third)


def test_a_part_whose_end_nobody_saw_is_used_by_the_next_try(bucket: CloudStore, tmp_path: Path) -> None:
    film = made(tmp_path, TWENTY_MB)
    part = f"film.mp4.qmv-parts/{film.sha256[:16]}"
    attributes = {"Content-Type": "video/mp4"}
    obstore.put(bucket.client(), part, film.path, attributes=attributes, use_multipart=True, chunk_size=8 << 20)
    with proxy(tmp_path / "proxy", upstream_port=port_of(bucket)) as counted:
        put(replace(bucket, options=(("endpoint", counted.url),)), film)
        assert counted.sent_bytes() < 1 << 20
    assert names(bucket) == ["film.mp4"]


_SENDS = """
import sys
from pathlib import Path
from tests.objects.test_cloud_sending import CloudStore, File, put
put(CloudStore(where="storage", url="s3://films", options=(("endpoint", sys.argv[1]),)), File.of(Path(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("held_after", [1 << 20, 12 << 20, 20 << 20])
def test_after_a_kill_nothing_is_half_there_and_the_next_try_ends_it(
    bucket: CloudStore, tmp_path: Path, held_after: int
) -> None:
    film = made(tmp_path, TWENTY_MB)
    with proxy(tmp_path / "proxy", upstream_port=port_of(bucket), hold_after=[held_after]) as held:
        sender = subprocess.Popen([sys.executable, "-c", _SENDS, held.url, str(film.path)], cwd=ROOT)
        try:
            while held.sent_bytes() < held_after and sender.poll() is None:
                time.sleep(0.05)
            assert bucket.look("film.mp4") is None
        finally:
            sender.send_signal(signal.SIGKILL)
            sender.wait()
    assert bucket.look("film.mp4") is None
    assert not put(bucket, film).unchanged
    assert names(bucket) == ["film.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_bad_line_loses_nothing_and_doubles_nothing(bucket: CloudStore, tmp_path: Path, seed: int) -> None:
    films = [made(tmp_path, size, seed) for size in (0, 5000, 300_000, 17 << 20)]
    faults = {"reset": 0.15, "lost": 0.1, "cut": 0.05, "unavailable": 0.15}
    with proxy(tmp_path / "proxy", upstream_port=port_of(bucket), seed=seed, **faults) as line:
        shaky = replace(bucket, options=(("endpoint", line.url),))
        for number, film in enumerate(films):
            put(shaky, film, f"{number}.mp4")
        assert sum(bool(request["fault"]) for request in line.requests()) >= 5
    for number, film in enumerate(films):
        standing = bucket.look(f"{number}.mp4")
        assert standing is not None
        assert bucket.holds(standing, film)
    assert names(bucket) == [f"{number}.mp4" for number in range(len(films))]


@pytest.mark.slow
def test_a_bad_line_to_azure_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = [made(tmp_path, size) for size in (5000, 17 << 20)]
    faults = {"reset": 0.15, "lost": 0.1, "cut": 0.05, "unavailable": 0.15}
    with azure(tmp_path / "azure", container="films") as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        blobs = CloudStore(where="storage", url="az://films", options=(("endpoint", service.url),))
        with proxy(tmp_path / "proxy", upstream_port=service.port, seed=5, **faults) as line:
            shaky = replace(blobs, options=(("endpoint", f"{line.url}/devstoreaccount1"),))
            for number, film in enumerate(films):
                put(shaky, film, f"{number}.mp4")
            assert any(request["fault"] for request in line.requests())
        for number, film in enumerate(films):
            standing = blobs.look(f"{number}.mp4")
            assert standing is not None
            assert blobs.holds(standing, film)
        assert names(blobs) == ["0.mp4", "1.mp4"]


def test_ctrl_c_ends_an_upload_that_hangs(bucket: CloudStore, tmp_path: Path) -> None:
    film = made(tmp_path, TWENTY_MB)
    with proxy(tmp_path / "proxy", upstream_port=port_of(bucket), hold_after=[1 << 20]) as held:
        sender = subprocess.Popen(
            [sys.executable, "-c", _SENDS, held.url, str(film.path)], cwd=ROOT, stderr=subprocess.PIPE, process_group=0
        )
        with sender:
            while held.sent_bytes() < 1 << 20 and sender.poll() is None:
                time.sleep(0.05)
            sender.send_signal(signal.SIGINT)
            _, said = sender.communicate(timeout=30)  # the library alone would wait for minutes
    assert b"KeyboardInterrupt" in said
    assert bucket.look("film.mp4") is None


def test_r2_and_s3_are_told_the_condition_of_a_copy_in_their_own_words() -> None:
    amazon = CloudStore(where="storage", url="s3://films")
    r2 = replace(amazon, options=(("endpoint", "https://1234.r2.cloudflarestorage.com"),))
    assert copy_condition(amazon, "") == "header:if-none-match:*"
    assert copy_condition(amazon, '"abc"') == 'header:if-match:"abc"'
    assert copy_condition(r2, "") == "header:cf-copy-destination-if-none-match:*"


def test_a_stalled_line_is_left(bucket: CloudStore, tmp_path: Path) -> None:
    with proxy(tmp_path / "proxy", upstream_port=port_of(bucket), hold_after=[500]) as line:
        slow = replace(bucket, options=(("endpoint", line.url),), stall_s=1)
        film = made(tmp_path, 1000)
        put(slow, film)
    standing = bucket.look("film.mp4")
    assert standing is not None
    assert bucket.holds(standing, film)


def test_what_an_encrypted_bucket_says_of_its_files_is_read_back(bucket: CloudStore, tmp_path: Path) -> None:
    film = made(tmp_path, 1000)
    put(bucket, film)
    standing = bucket.look("film.mp4")
    assert standing is not None
    odd = replace(standing, sums={})
    assert bucket.holds(odd, film)
    assert not bucket.holds(odd, made(tmp_path, 1000, seed=9))


def test_a_store_can_be_sent_to_another_process() -> None:
    store = CloudStore(where="storage", url="s3://films", options=(("endpoint", "http://127.0.0.1:9"),))
    store.client()
    assert pickle.loads(pickle.dumps(store)) == store
    assert hash(store) == hash(pickle.loads(pickle.dumps(store)))


def test_more_than_the_service_can_store_safely_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"")
    os.truncate(path, 1000)
    huge = File(path=path, sha256="0" * 64, size_bytes=(5 << 30) + 1)
    store = CloudStore(where="storage", url="s3://films", options=(("endpoint", "http://127.0.0.1:9"),))
    with pytest.raises(OutputError, match="larger than the 5 GiB"):
        store.send(upload_of(huge), None, lambda done: None)


def test_a_key_that_leads_out_is_refused() -> None:
    store = CloudStore(where="storage", url="s3://films/mine", options=(("endpoint", "http://127.0.0.1:9"),))
    for key in ("../film.mp4", "a//b", "/film.mp4", "a\nb", "", "x" * 1001):
        with pytest.raises(OutputError, match="none that can be kept here"):
            store.look(key)
