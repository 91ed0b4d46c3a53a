"""A bucket of Google Cloud Storage as a storage, at an emulator that others wrote."""

from __future__ import annotations

import itertools
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from qmv.api import Upload
from qmv.artifacts import File
from qmv.errors import AccessError, ConfigError
from qmv.plugins.storage.gcs import Gcs
from qmv.testing import StorageContract
from tests.fakes.gcs.process import FakeGcs, emulator, fake_gcs, key_file

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator's address."""
    with emulator(tmp_path_factory.mktemp("emulator")) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def bucket(running: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fresh bucket in the emulator."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    name = f"films-{next(_numbers)}"
    body = f'{{"name": "{name}"}}'.encode()
    asked = urllib.request.Request(
        f"{running}/storage/v1/b?project=p", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked):
        return name


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGcs]:
    """A service with permissions on objects, and credentials for it."""
    with fake_gcs(tmp_path / "fake") as running:
        sign_in(running, monkeypatch)
        yield running


def sign_in(fake: FakeGcs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", fake.url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(fake.key))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # what the library asks Google by itself goes nowhere


def upload(folder: Path, *, title: str = "Größe") -> Upload:
    path = folder / "film.mp4"
    path.write_bytes(bytes(range(250)) * 2800)
    return Upload(
        file=File.of(path), key="夜/film.mp4", content_type="video/mp4", cache_control="public, max-age=60",
        metadata={"title": title, "style": "neon"}, memory=folder / "upload.json",
    )  # fmt: skip


def ignored(done: int) -> None:
    pass


class TestGcs(StorageContract):
    @pytest.fixture
    def plugin(self, bucket: str) -> Gcs:
        return Gcs(bucket=bucket, prefix="made/here")


class TestGcsInPublic(StorageContract):
    @pytest.fixture
    def plugin(self, bucket: str) -> Gcs:
        return Gcs(bucket=bucket, link="public")


def test_what_is_stored_keeps_its_type_headers_and_metadata(bucket: str, tmp_path: Path) -> None:
    given = upload(tmp_path, title="Größe, 夜の電車")
    storage = Gcs(bucket=bucket, chunk_mb=0.25)
    storage.put(given, ignored)
    blob = storage.store().blob(given.key)
    blob.reload()
    assert (blob.content_type, blob.cache_control) == ("video/mp4", "public, max-age=60")
    assert blob.metadata == {"title": "Größe, 夜の電車", "style": "neon"}
    assert blob.crc32c == storage.store().look(given.key).sums["crc32c"]  # type: ignore[union-attr]
    assert not given.memory.exists()  # type: ignore[union-attr]


def test_a_public_address_gives_any_part_of_the_film_to_everybody(bucket: str, tmp_path: Path) -> None:
    given = upload(tmp_path)
    url = Gcs(bucket=bucket, link="public").put(given, ignored).url
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=1000-1999"})) as answer:
        assert answer.status == 206
        assert answer.read() == given.file.path.read_bytes()[1000:2000]


def test_a_signed_address_opens_the_film_and_names_its_end(
    bucket: str, running: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path / "key.json", running)))
    given, storage = upload(tmp_path), Gcs(bucket=bucket, link="signed", expires_h=2)
    storage.ready()
    url = storage.put(given, ignored).url
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{running}/{bucket}/")
    assert asked["X-Goog-Expires"] == ["7200"]
    assert asked["X-Goog-Algorithm"] == ["GOOG4-RSA-SHA256"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == given.file.path.read_bytes()


def test_credentials_without_a_key_cannot_sign(bucket: str) -> None:
    with pytest.raises(AccessError, match=r"cannot sign addresses.*GOOGLE_APPLICATION_CREDENTIALS.*storage.link=plain"):
        Gcs(bucket=bucket, link="signed").ready()


def test_a_plain_address_leaves_permissions_as_they_were(fake: FakeGcs, tmp_path: Path) -> None:
    url = Gcs(bucket="films").put(upload(tmp_path), ignored).url
    assert url == f"{fake.url}/films/%E5%A4%9C/film.mp4"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)
    assert fake.requests("PATCH") == []


def test_a_public_address_needs_permissions_of_its_own(fake: FakeGcs, tmp_path: Path) -> None:
    given = upload(tmp_path)
    with urllib.request.urlopen(Gcs(bucket="films", link="public").put(given, ignored).url) as answer:
        assert answer.read() == given.file.path.read_bytes()


def test_a_bucket_with_the_same_permissions_for_all_is_public_or_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, storage = upload(tmp_path), Gcs(bucket="films", link="public")
    with fake_gcs(tmp_path / "public", uniform=True, public=True) as running:
        sign_in(running, monkeypatch)
        storage.ready()
        assert storage.put(given, ignored).url == f"{running.url}/films/%E5%A4%9C/film.mp4"
    with fake_gcs(tmp_path / "private", uniform=True) as running:
        sign_in(running, monkeypatch)
        for attempt in (storage.ready, lambda: storage.put(given, ignored)):
            with pytest.raises(AccessError, match=r"uniform bucket-level.*--member=allUsers.*storage.link=signed"):
                attempt()


def test_a_bucket_that_prevents_public_access_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_gcs(tmp_path / "fake", prevented=True) as running:
        sign_in(running, monkeypatch)
        with pytest.raises(AccessError, match=r"the bucket films prevents public access.*storage\.link=signed"):
            Gcs(bucket="films", link="public").put(upload(tmp_path), ignored)
        with pytest.raises(AccessError, match="the bucket films prevents public access"):
            Gcs(bucket="films", link="public").ready()


def test_a_bucket_that_an_emulator_does_not_have_is_told(bucket: str) -> None:
    with pytest.raises(AccessError, match=rf"there is no bucket '{bucket}x'; did you mean '{bucket}'"):
        Gcs(bucket=f"{bucket}x").ready()


def test_the_bucket_can_come_from_the_environment(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCS_BUCKET_NAME", bucket)
    Gcs().ready()
    monkeypatch.delenv("GCS_BUCKET_NAME")
    with pytest.raises(ConfigError, match=r"no bucket is named; set storage.bucket=NAME, or GCS_BUCKET_NAME"):
        Gcs().ready()


def test_the_missing_package_is_named_with_its_cure() -> None:
    code = (
        "import sys; sys.modules['google.cloud.storage'] = None\n"
        "from qmv.plugins.storage.gcs import Gcs\n"
        "try: Gcs(bucket='films').ready()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("PluginError storage (gcs): needs the package google-cloud-storage")
    assert said.strip().endswith("python -m pip install 'qmv[gcs]'")


@pytest.mark.parametrize("chunk_mb", [0.3, 8.1])
def test_chunks_are_whole_grains(chunk_mb: float) -> None:
    with pytest.raises(ValueError, match=r"chunk_mb must be a multiple of 0.25"):
        Gcs(bucket="films", chunk_mb=chunk_mb)
