"""Songs from servers: fetched once, refused where they are none, and never secretly an old copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from qmv.engine.cache import Cache
from qmv.engine.config.schema import SongSettings
from qmv.engine.inputs import open_song
from qmv.engine.remote_songs import RemoteSong
from qmv.engine.song_checks import check
from qmv.errors import AccessError, ConfigError, InputError, ServiceError
from tests.engine.song_site import SECRET, Site

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


# -- what is no song -------------------------------------------------------------------------------------------------


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
