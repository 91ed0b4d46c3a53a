"""Songs from servers and buckets: fetched once, refused where they are none, and never secretly an old copy."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from qmv.engine.cache import Cache
from qmv.engine.config.schema import SongSettings
from qmv.engine.inputs import open_song
from qmv.engine.no_songs import refuse_other
from qmv.engine.remote_songs import RemoteSong
from qmv.engine.song_checks import check
from qmv.errors import AccessError, ConfigError, InputError, QmvError, ServiceError
from tests.fakes.gcs.process import emulator
from tests.fakes.s3 import s3
from tests.fakes.serving import lines, started

Run = Callable[..., Any]
SECRET = "Zm9yZ2VkLXNpZ25hdHVyZQ"


@dataclass
class Site:
    """A server with `x.wav` on it, and the cache of this test; a new server is at another port, so `port` is kept."""

    folder: Path
    cache: Cache
    port: int
    told: list[str]

    def url(self, path: str = "/x.wav") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def file(self, path: str = "/x.wav", most_mb: float = 1.0) -> Path:
        return RemoteSong(address=self.url(path), most_mb=most_mb, cache=self.cache, tell=self.told.append).file()

    def statuses(self) -> list[int]:
        return [request["status"] for request in lines(self.folder / "requests.jsonl")]


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


# -- only from public hosts, only so long ----------------------------------------------------------------------------


def test_with_public_only_this_machine_is_not_asked(site: Callable[..., Site]) -> None:
    there = site()
    remote = RemoteSong(address=there.url(), most_mb=1.0, public_only=True, cache=there.cache, tell=there.told.append)
    with pytest.raises(ConfigError, match="is not asked, only 443"):
        remote.file()
    assert there.statuses() == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://10.0.0.1/x.wav", "the host has no public address"),
        ("https://example.com:22/x", "port 22 is not asked"),
    ],
)
def test_with_public_only_a_way_that_leads_inside_is_refused(target: str, words: str) -> None:
    remote = RemoteSong(
        address="https://example.com/x.wav", most_mb=1.0, public_only=True, cache=Cache(Path("none")), tell=print
    )
    with pytest.raises(InputError, match=f"leads on to another address: .*{words}"):
        remote._allow("https://example.com/x.wav", target)


def test_a_run_with_public_only_refuses_inner_addresses_before_any_work() -> None:
    for path in ("https://localhost/a.mp3", "https://127.1/a.mp3", "https://intranet/a.mp3"):
        with pytest.raises(ConfigError, match="the host has no public address"):
            check(SongSettings(path=path, public_only=True))
    check(SongSettings(path="gs://bucket/a.mp3", public_only=True))
    check(SongSettings(path="https://example.com/a.mp3", public_only=True))


def test_a_song_that_is_too_long_is_refused_also_where_it_is_kept(site: Callable[..., Site]) -> None:
    """The song has 3 s."""
    there = site()
    there.file()
    long, short = (
        RemoteSong(address=there.url(), most_mb=1.0, most_minutes=most, cache=there.cache, tell=there.told.append)
        for most in (0.05, 0.03)
    )
    assert long.file().name == "song.wav"
    with pytest.raises(InputError, match=r"is longer than 0\.03 minutes, as song\.most_minutes allows"):
        short.file()


@pytest.mark.parametrize("most", [0.0, -1.0, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(most: float) -> None:
    with pytest.raises(ConfigError, match="most_minutes must be above 0"):
        check(SongSettings(path="a.mp3", most_minutes=most))


# -- the cache -------------------------------------------------------------------------------------------------------


def test_a_song_is_fetched_once(site: Callable[..., Site], song: Path) -> None:
    there = site()
    first = there.file()
    assert (first.read_bytes() == song.read_bytes(), first.name) == (True, "song.wav")
    assert (there.file(), there.statuses()) == (first, [200, 304])
    assert there.told == [f"fetching {there.url()}, 0.1 MB"]


def test_a_song_that_changed_is_fetched_and_the_old_file_stays_for_who_reads_it(
    site: Callable[..., Site], click_track: Callable[..., Path]
) -> None:
    there = site()
    first = there.file()
    before = first.read_bytes()
    click_track(there.folder / "files" / "x.wav", 90)
    second = there.file()
    assert (second != first, second.read_bytes() != before, first.read_bytes()) == (True, True, before)


def test_a_fresh_signature_fetches_nothing(site: Callable[..., Site]) -> None:
    there = site()
    assert there.file("/x.wav?Expires=1&Signature=a") == there.file("/x.wav?Expires=2&Signature=b")
    assert there.statuses() == [200, 304]


def test_one_song_at_two_addresses_is_kept_once(site: Callable[..., Site]) -> None:
    there = site()
    assert there.file("/x.wav?a") == there.file("/x.wav?b")


def test_a_kept_song_that_is_damaged_is_fetched_anew(site: Callable[..., Site], song: Path) -> None:
    there = site()
    there.file().write_bytes(b"damaged")
    assert there.file().read_bytes() == song.read_bytes()


def test_two_that_want_a_song_wait_for_each_other(site: Callable[..., Site]) -> None:
    there = site()
    there.file()
    [lock] = (there.cache.root / "addresses").rglob("*.lock")
    with FileLock(lock, timeout=0):
        pass  # free again


@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 503}, {"hang": True}])
def test_a_copy_is_used_with_a_word_where_the_server_cannot_be_asked(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    from qmv.objects.web import Web

    monkeypatch.setitem(Web.__init__.__kwdefaults__, "answer_s", 0.3)
    there = site({}, fault)
    first = there.file()
    assert there.file() == first
    assert "is used, which may be an old one" in there.told[-1]


def test_no_copy_is_used_where_the_server_denies_the_song(site: Callable[..., Site]) -> None:
    there = site({}, {"status": 403})
    there.file()
    with pytest.raises(AccessError, match="not public, or the signature"):
        there.file()


def test_no_copy_is_used_where_the_song_is_gone(site: Callable[..., Site]) -> None:
    there = site({}, {"status": 404})
    there.file()
    with pytest.raises(InputError, match="there is no such file"):
        there.file()


def test_a_server_that_is_away_is_told_where_there_is_no_copy(site: Callable[..., Site]) -> None:
    with pytest.raises(ServiceError, match="busy or out of order"):
        site(status=500).file()


# -- buckets ---------------------------------------------------------------------------------------------------------


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


# -- what is no song -------------------------------------------------------------------------------------------------

PAGE, LIST = "is a web page, not a song", "is a playlist, not a song"
OTHERS = [
    (b"<!DOCTYPE html><p>Sign in", "audio/mpeg", PAGE),
    (b"\xef\xbb\xbf\n<html>", "", PAGE),
    (b"please sign in to go on to the file that you have asked for, thank you", "text/html", PAGE),
    (b"#EXTM3U\n#EXTINF:1,a\nx.mp3", "audio/mpeg", LIST),
    (b"[playlist]\nFile1=x", "audio/x-scpls", LIST),
    (b"http://host/x.mp3\nhttp://host/y.mp3\n", "audio/x-mpegurl", LIST),
    (b"ffconcat version 1.0\n", "", LIST),
    (b'{"error": "expired"}', "application/json", "is data (JSON), not a song"),
    (b"<?xml version='1.0'?><Error/>", "application/xml", "is a document (XML), not a song"),
    (b"%PDF-1.7", "application/pdf", "is a document (PDF), not a song"),
    (b"just words", "text/plain", "is a text, not a song"),
]


@pytest.mark.parametrize(("head", "kind", "words"), OTHERS)
def test_what_is_no_song_is_told_by_its_first_bytes(head: bytes, kind: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        refuse_other("song (there)", head, kind)
    assert str(raised.value).startswith(f"song (there): {words}; ")


@pytest.mark.parametrize(
    "head",
    [b"ID3\x03\x00" + b"a" * 80, b"RIFF\x24\x00\x00\x00WAVEfmt ", b"fLaC\x00\x00", b"OggS\x00\x02", b"\xff\xfb\x90"],
)
@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", ""])
def test_a_song_is_none_of_them_whatever_the_server_calls_it(head: bytes, kind: str) -> None:
    refuse_other("song", head, kind)


def test_a_page_is_not_kept(site: Callable[..., Site]) -> None:
    there = site(kind="text/html")
    (there.folder / "files" / "x.wav").write_bytes(b"<html>Sign in</html>")
    with pytest.raises(InputError, match="is a web page"):
        there.file()
    assert not (there.cache.root / "downloads").exists()


def test_bytes_that_are_no_sound_are_told_with_the_address(site: Callable[..., Site]) -> None:
    there = site()
    (there.folder / "files" / "x.wav").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError) as raised:
        there.file("/x.wav?secret=word")
    assert str(raised.value).startswith(f"song ({there.url()}): cannot be read as audio")


def test_a_song_that_is_too_large_is_refused_and_not_kept(site: Callable[..., Site]) -> None:
    there = site()
    with pytest.raises(InputError, match=r"has 0\.1 MB or more, and song\.most_mb allows 0\.01; raise it"):
        there.file(most_mb=0.01)
    assert list((there.cache.root / "addresses").rglob("*.download*")) == []


def test_an_address_that_leads_to_an_unsafe_one_is_refused(site: Callable[..., Site]) -> None:
    there = site(redirect="http://example.com/x.wav?token=1")
    with pytest.raises(InputError, match=r"leads on to another address: song \(http://example.com/x.wav\): http://"):
        there.file()


@pytest.mark.parametrize("target", [f"gs://b/x.wav?token={SECRET}", f"s3://a:{SECRET}@b/x.wav?{SECRET}"])
def test_an_address_that_leads_to_a_bucket_is_refused(site: Callable[..., Site], target: str) -> None:
    there = site(redirect=target)
    with pytest.raises(InputError) as raised:
        there.file()
    place = f"{target[:2]}://b/x.wav"
    assert str(raised.value) == (
        f"song ({there.url()}): leads on to {place}, and no way leads on to a bucket; give that address."
    )


def test_a_safe_address_never_leads_to_an_open_one() -> None:
    remote = RemoteSong(address="https://host/x", most_mb=1, cache=Cache(Path("none")), tell=print)
    with pytest.raises(InputError, match=r"leads on from https:// to http://127.0.0.1/x"):
        remote._allow("https://host/x", "http://127.0.0.1/x?y=z")


# -- settings --------------------------------------------------------------------------------------------------------


def test_the_title_is_the_files_name_where_no_tag_has_one(site: Callable[..., Site]) -> None:
    there = site()
    shutil.copy(there.folder / "files" / "x.wav", there.folder / "files" / "Größe 1.wav")
    opened = open_song(SongSettings(path=there.url("/Gr%C3%B6%C3%9Fe%201.wav?x=y.mp3")), there.cache)
    assert opened.title == "Größe 1"


@pytest.mark.parametrize("name", ["lyrics", "beats_file"])
def test_what_belongs_to_a_song_is_a_file_of_this_machine(name: str) -> None:
    settings = SongSettings(path="a.mp3", **{name: f"https://host/x.lrc?{SECRET}"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"song: {name} is a file of this machine, got https://host/x.lrc; fetch it"):
        check(settings)


@pytest.mark.parametrize("most_mb", [0, -1, float("nan"), float("inf")])
def test_a_size_that_is_none_is_refused(most_mb: float) -> None:
    with pytest.raises(ConfigError, match="most_mb must be above 0"):
        check(SongSettings(path="a.mp3", most_mb=most_mb))


# -- on the command line ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_from_an_address_tells_its_signature_to_nobody(
    site: Callable[..., Site], run_cli: Run, clicks_plugin: Path
) -> None:
    there = site()
    quick = (f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=storyboard")
    address = there.url(f"/x.wav?sig={SECRET}%2B&c='d',e")
    ended = run_cli(f"song={address}", *quick)
    assert ended.rc == 0, ended.stderr
    [manifest] = ended.found("manifest.json")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    assert told["song"]["address"] == there.url()
    sweep = run_cli("-m", f"song={address},{there.url('/x.wav?' + SECRET)}", *quick)
    assert sweep.rc == 0, sweep.stderr
    missing = run_cli(f"song={there.url('/none.wav?' + SECRET)}", *quick)
    assert missing.errors == [
        f"error: song ({there.url('/none.wav')}): there is no such file (HTTP 404); check the address."
    ]
    asked = [request["path"] for request in lines(there.folder / "requests.jsonl")]
    assert asked[0] == f"/x.wav?sig={SECRET}%2B&c='d',e"
    texts = [file.read_bytes() for file in ended.outputs.rglob("*") if file.is_file()]
    assert not any(SECRET.encode() in text for text in texts)
    assert SECRET not in ended.stdout + ended.stderr + sweep.stdout + sweep.stderr + missing.stderr


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(
    site: Callable[..., Site], command: Run, environment: dict[str, str], clicks_plugin: Path, tmp_path: Path
) -> None:
    there, outputs = site({"stall_at": 120_000}), tmp_path / "outputs"
    given = (f"song={there.url()}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=storyboard")
    line = command(*given, outputs=outputs)
    with subprocess.Popen(line, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while process.poll() is None and not any(part.stat().st_size for part in outputs.rglob("*.download")):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.kill()
    [part] = outputs.rglob("*.download")
    had = part.stat().st_size
    subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, check=True)
    last = lines(there.folder / "requests.jsonl")[-1]
    assert (last["status"], last["headers"]["Range"]) == (206, f"bytes={had}-")


@pytest.mark.slow
def test_a_video_is_made_of_a_song_from_an_address(
    site: Callable[..., Site], run_cli: Run, clicks_plugin: Path
) -> None:
    there = site({"cut_at": 40_000}, {"status": 503, "retry_after": "0"})
    ended = run_cli(f"song={there.url()}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "min_images=1")
    assert ended.rc == 0, ended.stderr
    assert (ended.video.is_file(), there.statuses()) == (True, [200, 503, 206])
