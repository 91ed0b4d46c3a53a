"""A shared cache in buckets of Google and S3: entries go through, broken ones do not, and no bucket is one sentence."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmv.artifacts import File
from qmv.engine.cache import Cache, digest
from qmv.engine.outbox import object_name
from qmv.engine.sharing import shared_cache, sharing
from qmv.errors import AccessError
from qmv.objects.places import open_store
from qmv.objects.store import Upload
from tests.fakes.gcs.process import fake_gcs
from tests.fakes.proxy import proxy
from tests.fakes.s3 import s3

pytestmark = pytest.mark.slow

KEYS = [digest(number) for number in range(24)]
Start = Callable[..., contextlib.AbstractContextManager[tuple[Cache, list[str]]]]


@pytest.fixture(params=["gs", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket."""
    monkeypatch.delenv("QMV_CACHE_KEY", raising=False)
    if request.param == "gs":
        with fake_gcs(tmp_path / "fake") as fake:
            monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(fake.key))
            monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
            monkeypatch.setenv("API_ENDPOINT_OVERRIDE", fake.url)
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # what the library asks Google goes nowhere
            yield "gs://films"
        return
    with s3(tmp_path / "moto", bucket="films") as service:
        for name, value in {
            "ENDPOINT_URL_S3": service.url,
            "ACCESS_KEY_ID": "key",
            "SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield "s3://films"


@pytest.fixture
def machine(bucket: str, tmp_path: Path) -> Start:
    @contextlib.contextmanager
    def running(name: str) -> Iterator[tuple[Cache, list[str]]]:
        told: list[str] = []
        cache = Cache(tmp_path / name, shared_cache(f"{bucket}/shared/cache", sends=True))
        with sharing(cache, told.append):
            yield cache, told

    return running


def write(folder: Path) -> None:
    (folder / "value").write_bytes(folder.name.encode() * 3000)


def check(folder: Path) -> None:
    (folder / "value").stat()


def values(cache: Cache) -> list[bytes | None]:
    folders = [cache.get("area", key) for key in KEYS]
    return [None if folder is None else (folder / "value").read_bytes() for folder in folders]


def test_entries_go_through_a_bucket(machine: Start) -> None:
    with machine("a") as (a, told_a):
        a.bring("area", KEYS, check)
        for key in KEYS:
            a.once("area", key, write, shared=check)
    with machine("b") as (b, told_b):
        b.bring("area", KEYS, check)
        assert values(b) == values(a)
    assert (None in values(a), told_a, told_b) == (False, [], [])


def test_broken_object_of_a_bucket_is_not_used_and_replaced(machine: Start, bucket: str, tmp_path: Path) -> None:
    with machine("a") as (a, _):
        for key in KEYS[:2]:
            a.once("area", key, write, shared=check)
    store, name = open_store(f"{bucket}/shared/cache", "test"), object_name("area", KEYS[0])
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    standing = store.fetch(name, whole, 1 << 20)
    broken.write_bytes(whole.read_bytes()[:-1] + b"?")
    store.send(Upload(file=File.of(broken), key=name), standing, lambda _: None)
    with machine("b") as (b, told):
        b.bring("area", KEYS[:2], check)
        assert [value is None for value in values(b)[:2]] == [True, False]
        b.once("area", KEYS[0], write, shared=check)
    assert ["broken in the shared cache" in words for words in told] == [True]
    store.fetch(name, tmp_path / "mended", 1 << 20)
    assert (tmp_path / "mended").read_bytes() == whole.read_bytes()


def test_bucket_that_is_not_there_stops_the_run_before_it_begins(bucket: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a", shared_cache(f"{bucket}-of-nobody", sends=True))
    with pytest.raises(AccessError, match="films-of-nobody"), sharing(cache, lambda _: None):
        raise AssertionError("the run began")


# A run of a process: it makes entries, and waits for their sending for so many seconds.
RUN = """
import json, sys
from pathlib import Path
from qmv.engine.cache import Cache
from qmv.engine.sharing import shared_cache, sharing

told, shared = [], shared_cache(sys.argv[2], sends=True)
shared.sending_s = float(sys.argv[3])
cache = Cache(Path(sys.argv[1]), shared)
with sharing(cache, told.append):
    for key in sys.argv[4:]:
        cache.once("area", key, lambda folder: (folder / "value").write_bytes(key.encode() * 3000), shared=Path.stat)
print(json.dumps(told))
"""


def test_server_that_begins_to_drip_holds_the_end_of_a_run_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it hold the end of the process; what was made is sent by the next run."""
    with (
        fake_gcs(tmp_path / "fake") as fake,
        proxy(tmp_path / "proxy", upstream_port=fake.port, methods=("PUT",), drip=1.0) as dripping,
    ):
        monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(fake.key))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

        def run(address: str, sending_s: str) -> list[str]:
            monkeypatch.setenv("API_ENDPOINT_OVERRIDE", address)
            words = [sys.executable, "-c", RUN, str(tmp_path / "a"), "gs://films/cache", sending_s, *KEYS[:6]]
            ended = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
            return [words for words in json.loads(ended.stdout) if "waiting" not in words]

        late = "6 entries are not in the shared cache yet; the next run sends what is missing"
        assert run(dripping.url, "2") == [late]
        assert all(line["fault"].startswith("drip") for line in dripping.requests() if line["method"] == "PUT")
        told = run(fake.url, "100")
        assert told == []
        cache = Cache(tmp_path / "b", shared_cache("gs://films/cache", sends=False))
        with sharing(cache, told.append):
            cache.bring("area", KEYS[:6], check)
            assert [value is None for value in values(cache)[:6]] == [False] * 6
        assert told == []
