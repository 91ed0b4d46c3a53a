"""Songs in buckets: Google's and Amazon's, as programs that others wrote have them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmv.engine.cache import Cache
from qmv.engine.remote_songs import RemoteSong
from qmv.errors import InputError, QmvError
from tests.fakes.gcs.process import emulator
from tests.fakes.s3 import s3


class Songs:
    """A bucket called songs: `url` of a song in it, and `put` to change one."""

    def __init__(self, scheme: str, put: Callable[[str, bytes], None]) -> None:
        self.scheme, self.put = scheme, put

    def url(self, key: str) -> str:
        return f"{self.scheme}://songs/{key}"


@contextlib.contextmanager
def gcs_songs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Songs]:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    with emulator(folder) as port:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        client = storage.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
        bucket = client.create_bucket("songs")
        yield Songs("gs", lambda key, data: bucket.blob(key).upload_from_string(data, content_type="audio/wav"))
        client.close()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def s3_songs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Songs]:
    from obstore.store import S3Store

    with s3(folder, bucket="songs") as service:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "AKIATEST"),
            ("AWS_SECRET_ACCESS_KEY", "a-made-up-secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", service.url),
        ):
            monkeypatch.setenv(name, value)
        store = S3Store("songs", client_options={"allow_http": True}, virtual_hosted_style_request=False)
        yield Songs("s3", lambda key, data: store.put(key, data) and None)


@pytest.fixture(params=[gcs_songs, s3_songs])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Songs]:
    """Google's and Amazon's storage, as programs that others wrote have them."""
    with request.param(tmp_path / "bucket", monkeypatch) as songs:
        yield songs


def remote(address: str, folder: Path, told: list[str], most_mb: float = 1.0) -> RemoteSong:
    return RemoteSong(address=address, most_mb=most_mb, cache=Cache(folder / "cache"), tell=told.append)


@pytest.mark.slow
def test_a_song_in_a_bucket_is_fetched_once_and_when_it_changes(
    bucket: Songs, song: Path, tmp_path: Path, click_track: Callable[..., Path]
) -> None:
    told: list[str] = []
    there = remote(bucket.url("a b/100% é.wav"), tmp_path, told)
    bucket.put("a b/100% é.wav", song.read_bytes())
    first = there.file()
    assert (first.read_bytes(), there.file()) == (song.read_bytes(), first)
    assert told == [f"fetching {bucket.url('a b/100% é.wav')}, 0.1 MB"]
    other = click_track(tmp_path / "other.wav", 90).read_bytes()
    bucket.put("a b/100% é.wav", other)
    assert there.file().read_bytes() == other


@pytest.mark.slow
def test_what_is_wrong_in_a_bucket_is_one_sentence(bucket: Songs, song: Path, tmp_path: Path) -> None:
    bucket.put("song.wav", song.read_bytes())
    bucket.put("page.wav", b"<html>no</html>")
    bucket.put("none.wav", b"")
    for key, most_mb, words in (
        ("away.wav", 1.0, "there is no such file, or no such bucket; check the address"),
        ("song.wav", 0.01, "has 0.1 MB or more, and song.most_mb allows 0.01"),
        ("page.wav", 1.0, "is a web page, not a song"),
        ("none.wav", 1.0, "the file is empty"),
    ):
        with pytest.raises(InputError) as raised:
            remote(bucket.url(key), tmp_path, [], most_mb).file()
        assert str(raised.value).startswith(f"song ({bucket.url(key)}): {words}")
    away = f"{bucket.scheme}://elsewhere/song.wav"
    with pytest.raises(InputError, match=rf"^song \({away}\): there is no such file, or no such bucket"):
        remote(away, tmp_path, []).file()


def test_a_bucket_without_keys_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(QmvError, match=r"^song \(s3://songs/x.wav\): no credentials for S3"):
        remote("s3://songs/x.wav", tmp_path, []).file()
