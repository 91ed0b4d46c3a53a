"""Buckets as storages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from qmv.api import Upload
from qmv.artifacts import File
from qmv.errors import PluginError, QmvError
from qmv.plugins.storage.object_store import ObjectStoreStorage
from qmv.testing import StorageContract
from tests.fakes.azure import Service as Azure
from tests.fakes.azure import azure
from tests.fakes.s3 import Service as Bucket
from tests.fakes.s3 import s3


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with s3(tmp_path_factory.mktemp("s3"), bucket="films") as service:
        yield service


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    with azure(tmp_path_factory.mktemp("azure"), container="films") as service:
        yield service


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-made-up-secret")


class TestS3(StorageContract):
    @pytest.fixture
    def plugin(self, bucket: Bucket, request: pytest.FixtureRequest) -> ObjectStoreStorage:
        return ObjectStoreStorage(url=f"s3://films/{request.node.name}", options={"endpoint": bucket.url})


class TestAzure(StorageContract):
    @pytest.fixture
    def plugin(
        self, container: Azure, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> ObjectStoreStorage:
        for name, value in container.environment().items():
            monkeypatch.setenv(name, value)
        return ObjectStoreStorage(url=f"az://films/{request.node.name}", options={"endpoint": container.url})


def stored(storage: ObjectStoreStorage, folder: Path, key: str = "film.mp4") -> str:
    path = folder / "film.mp4"
    path.write_bytes(b"0123456789" * 100)
    upload = Upload(file=File.of(path), key=key, content_type="video/mp4", cache_control=storage.cache_control)
    return storage.put(upload, lambda done: None).url


def test_object_store_tells_the_plain_address(bucket: Bucket, tmp_path: Path) -> None:
    storage = ObjectStoreStorage(url="s3://films/plain", options={"endpoint": bucket.url})
    assert stored(storage, tmp_path, "Größe 1.mp4") == f"{bucket.url}/films/plain/Gr%C3%B6%C3%9Fe%201.mp4"


def test_object_store_tells_the_address_that_people_see(bucket: Bucket, tmp_path: Path) -> None:
    storage = ObjectStoreStorage(
        url="s3://films/site", options={"endpoint": bucket.url}, site="https://films.example.org/"
    )
    assert stored(storage, tmp_path) == "https://films.example.org/site/film.mp4"


def test_a_signed_link_gives_the_file_piece_by_piece(bucket: Bucket, tmp_path: Path) -> None:
    storage = ObjectStoreStorage(
        url="s3://films/signed",
        options={"endpoint": bucket.url},
        link="signed",
        expires_h=2,
        cache_control="max-age=60",
    )
    link = stored(storage, tmp_path)
    assert "X-Amz-Expires=7200" in link
    answer = httpx.get(link, headers={"Range": "bytes=10-14"})
    assert (answer.status_code, answer.content) == (206, b"01234")
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["cache-control"] == "max-age=60"


def test_a_signed_link_of_azure_gives_the_file(
    container: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in container.environment().items():
        monkeypatch.setenv(name, value)
    storage = ObjectStoreStorage(url="az://films/signed", options={"endpoint": container.url}, link="signed")
    answer = httpx.get(stored(storage, tmp_path), headers={"Range": "bytes=10-14"})
    assert (answer.status_code, answer.content) == (206, b"01234")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "gs://films"}, "use storage=gcs"),
        ({"url": "file:///films"}, "use storage=folder"),
        ({"url": "films"}, "use storage=folder"),
        ({"url": "s3://"}, "names no bucket"),
        ({"url": "ftp://films"}, "names no bucket; write s3://BUCKET"),
        ({"url": "s3://films", "options": {"access_key_id": "AKIA"}}, "options must not hold keys, got access_key_id"),
        ({"url": "s3://films", "options": {"secret_access_key": "x"}}, "set AWS_ACCESS_KEY_ID"),
        ({"url": "az://films", "options": {"account_key": "x"}}, "set AZURE_STORAGE_ACCOUNT_KEY"),
        ({"url": "az://films", "options": {"sas_token": "x"}}, "options must not hold keys"),
        ({"url": "s3://films", "options": {"regoin": "x"}}, "Did you mean 'region'"),
        ({"url": "s3://films", "options": {"region": ["x"]}}, "options.region must be a text"),
        ({"url": "s3://films", "link": "sigend"}, "Did you mean 'signed'"),
        ({"url": "s3://films", "expires_h": 169}, "at most 168"),
        ({"url": "s3://films", "cache_control": "größer"}, "plain ASCII"),
    ],
)
def test_object_store_refuses_settings_that_cannot_work(settings: dict[str, object], says: str) -> None:
    with pytest.raises((ValueError, QmvError)) as caught:
        ObjectStoreStorage(**settings)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_object_store_says_how_to_install_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmv.objects.cloud_client import library

    library.cache_clear()
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(PluginError, match=r"python -m pip install 'qmv\[object-store\]'"):
        ObjectStoreStorage(url="s3://films").ready()


def test_object_store_loads_its_library_when_it_works() -> None:
    code = (
        "import sys; from qmv.plugins.storage.object_store import ObjectStoreStorage as S;"
        "S(url='s3://films').store().address('x') if 0 else S(url='s3://films').store();"
        "print([m for m in sys.modules if m.startswith('obstore')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
