"""Addresses of songs: which are refused, what is shown of them, and how Hydra gets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmv.engine import secrets
from qmv.engine.secrets import redacted
from qmv.engine.song_addresses import (
    check_address,
    encoded,
    hide_address,
    identity,
    is_remote,
    local,
    shown,
    split_list,
    suffix_of,
    title_of,
)  # fmt: skip
from qmv.engine.songs import quoted_addresses
from qmv.errors import ConfigError

SECRET = "0123456789abcdef-of-mine"
SIGNED = "https://host/a/b.mp3?X-Amz-Date=1&X-Amz-Signature=0123456789abcdef&id=7"


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_texts", {})


@pytest.mark.parametrize(
    "address", ["https://h/x.mp3", "gs://b/x.mp3", "S3://b/x", "http://127.0.0.1:80/x", "ftp://h/x"]
)
def test_an_address_is_remote(address: str) -> None:
    assert is_remote(address)


@pytest.mark.parametrize("path", ["a.mp3", "/a/b.mp3", "x@y:z.wav", "file:///a/b.mp3", "a: b://c.mp3"])
def test_a_file_of_this_machine_is_not(path: str) -> None:
    assert not is_remote(path)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///a/b%20c.mp3", "/a/b c.mp3"),
        ("file://localhost/a.mp3", "/a.mp3"),
        ("file://a.mp3", "a.mp3"),
        ("a", "a"),
    ],
)
def test_a_file_address_is_a_path(address: str, path: str) -> None:
    assert local(address) == path


@pytest.mark.parametrize(
    "address",
    [
        "https://h/x.mp3?a=b",
        "https://h:8443/x",
        "gs://b/a/b c?.mp3",
        "s3://b/x",
        "az://c/x",
        "http://[::1]:9/x",
        "https://bücher.de/ä.mp3",
        "https://a_b.example./x",
        "https://host:8443/a@b:c@d.mp3?e@f",
        "gs://b/a@b:c@d.mp3",
    ],
)
def test_what_can_be_fetched_passes(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            "ftp://host/x.mp3",
            "'ftp://' is no kind of address that songs come from; known: https://, gs://, s3://, az://",
        ),
        ("http://host/x.mp3", "http:// can be read and changed on its way; write https://"),
        ("https:///x.mp3", "is no address"),
        ("https://host:no/x.mp3", "is no address"),
        ("https://host:0/x.mp3", "is no address"),
        ("https://[::1/x.mp3", "is no address"),
        ("https://host/a\nb.mp3", "is no address"),
        ("https://host:99999/x.mp3", "is no address"),
        ("https://a..b/x.mp3", "is no address"),
        ("https://a../x.mp3", "is no address"),
        ("https://.a/x.mp3", "is no address"),
        (f"https://{'a' * 64}.com/x.mp3", "is no address"),
        (f"https://{'a.' * 130}com/x.mp3", "is no address"),
        ("https://a b/x.mp3", "is no address"),
        ("https://\u2603.net/x.mp3", "is no address"),
        ("https://h/\udc80.mp3", "is no address"),
        ("gs://bucket", "names no file"),
        ("s3://bucket/folder/", "names no file"),
        ("gs:///x.mp3", "names no file"),
        ("https://www.youtube.com/watch?v=abc", "is a page that plays a song"),
        ("https://youtu.be/abc", "is a page that plays a song"),
        ("https://soundcloud.com/a/b", "is a page that plays a song"),
        ("https://open.spotify.com/track/1", "is a page that plays a song"),
        ("https://me.bandcamp.com/track/a", "is a page that plays a song"),
    ],
)
def test_another_address_is_refused(address: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_address(address)
    assert words in str(raised.value)


def test_an_address_whose_query_was_hidden_is_told() -> None:
    with pytest.raises(ConfigError, match="a part of it was hidden when it was written down; give the whole address"):
        check_address("https://host/x.mp3[secret]")


def test_a_password_is_refused_and_not_told() -> None:
    with pytest.raises(ConfigError, match=r"song \(https://host/x.mp3\): holds a user or a password") as raised:
        check_address("https://me:pass@word@host/x.mp3")
    assert "pass" not in str(raised.value).replace("a password", "")
    assert redacted("https://me:pass@word@host/x.mp3") == "https://[secret]host/x.mp3"


@pytest.mark.parametrize(
    "address",
    [
        f"gs://b/x.mp3?X-Goog-Signature={SECRET}",
        f"s3://b/x.mp3?X-Amz-Date=1&X-Amz-Signature={SECRET}",
        f"az://c/x.mp3?sv=1&sig={SECRET}%2B",
        f"gs://b?token={SECRET}",
    ],
)
def test_a_signed_name_in_a_bucket_is_refused_and_not_told(address: str) -> None:
    with pytest.raises(ConfigError, match="has a query, which buckets do not take") as raised:
        check_address(address)
    assert SECRET not in str(raised.value) + redacted(f"song={address}") + shown(address)


@pytest.mark.parametrize(
    "address",
    [
        f"s3://AKIA:{SECRET}@b/x.mp3",
        f"s3://AKIA:{SECRET}/with@b/x.mp3",
        f"https://me:{SECRET}/with@host/x.mp3",
        f"https://me:{SECRET}?with@host/x.mp3",
    ],
)
def test_a_key_before_a_host_is_refused_and_not_told(address: str) -> None:
    with pytest.raises(ConfigError, match="holds a user or a password") as raised:
        check_address(address)
    assert SECRET not in str(raised.value) + redacted(f"song={address}") + shown(address)


def test_a_query_is_not_shown() -> None:
    assert shown("https://me:pw@host/a%20b.mp3?sig=1#x") == "https://host/a%20b.mp3"


@pytest.mark.parametrize(
    "text",
    [
        SIGNED,
        f"'song=\"{SIGNED}\"'",
        "signature 0123456789abcdef",
        "X-Amz-Date=1&X-Amz-Signature=0123456789abcdef&id=7",
        "X-Amz-Date%3D1%26X-Amz-Signature%3D0123456789abcdef%26id%3D7",
    ],
)
def test_a_signature_is_hidden_however_it_is_written(text: str) -> None:
    hide_address(SIGNED)
    assert "0123456789abcdef" not in redacted(text)


def test_quotes_of_yaml_hide_nothing_from_being_hidden() -> None:
    hide_address("https://host/x.mp3?a='very secret'")
    assert redacted("- 'song=\"https://host/x.mp3?a=''very secret''\"'") == "- 'song=\"https://host/x.mp3[secret]\"'"


def test_a_short_query_hides_no_other_words() -> None:
    hide_address("https://host/x.mp3?v=1")
    assert redacted("https://host/x.mp3?v=1 has v=1") == "https://host/x.mp3[secret] has v=1"


def test_a_new_signature_is_the_same_file() -> None:
    assert identity(SIGNED) == identity(SIGNED.replace("0123456789abcdef", "fedcba").replace("Date=1", "Date=2"))
    assert identity(SIGNED) != identity(SIGNED.replace("id=7", "id=8"))


def test_what_signs_nothing_stays_in_the_identity() -> None:
    assert identity("https://h/x?st=1") != identity("https://h/x?st=2")


@pytest.mark.parametrize(
    ("address", "title", "suffix"),
    [
        ("https://h/a/My%20Song.MP3?x=y.wav", "My Song", ".mp3"),
        ("https://h/a/song", "song", ""),
        ("https://h/", "", ""),
        ("https://h", "", ""),
        ("gs://b/a/100% #1?.flac", "100% #1?", ".flac"),
        ("https://h/.mp3", ".mp3", ""),
    ],
)
def test_the_title_is_the_files_name(address: str, title: str, suffix: str) -> None:
    assert (title_of(address), suffix_of(address)) == (title, suffix)


# -- Hydra -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://a/x.mp3,https://b/y.mp3", ["https://a/x.mp3", "https://b/y.mp3"]),
        ("https://a/x.mp3?t=1,2", ["https://a/x.mp3?t=1,2"]),
        ("a.mp3,gs://b/y.mp3", ["a.mp3", "gs://b/y.mp3"]),
    ],
)
def test_a_comma_begins_another_song_where_an_address_follows(text: str, parts: list[str]) -> None:
    assert split_list(text) == parts


@pytest.mark.parametrize(
    "address",
    [
        "https://host/path/x.mp3?sig=a%2Bb&c=d",
        "https://host//a//x.mp3?t=1,2&u='v'&w=(z)",
        "https://host/x.mp3?a=[1]&b=*#t=@y:z",
        "https://host/x",
        "gs://bucket/a b'c\"d, e=f?.mp3",
        "gs://bucket/back\\slash{x}.mp3",
        "s3://bucket/a//b.mp3",
        "file:///a/b c.mp3",
    ],
)
def test_an_address_reaches_the_config_as_it_is(compose: Callable[..., Any], address: str) -> None:
    override = quoted_addresses("song", address) if is_remote(address) else f'song="{address}"'
    assert compose(override)[0].song.path == address


def test_what_may_stand_in_no_address_is_encoded(compose: Callable[..., Any]) -> None:
    override = quoted_addresses("song", 'https://host/a b/${x}.mp3?q="ü"')
    assert compose(override)[0].song.path == "https://host/a%20b/$%7Bx%7D.mp3?q=%22%C3%BC%22"
    assert encoded("https://host/a%20b") == "https://host/a%20b"


def test_a_host_is_left_to_who_asks_it(compose: Callable[..., Any]) -> None:
    override = quoted_addresses("song", "https://bücher.de:8443/ä.mp3")
    assert compose(override)[0].song.path == "https://bücher.de:8443/%C3%A4.mp3"
    assert encoded("https://bücher.de?ä") == "https://bücher.de?%C3%A4"


def test_signs_that_are_no_text_are_encoded_as_they_came() -> None:
    assert encoded("https://host/\udcfc.mp3") == "https://host/%FC.mp3"


def test_a_signature_with_signs_that_are_no_text_is_hidden() -> None:
    override = quoted_addresses("song", f"https://host/x.mp3?sig={SECRET}\udcfc{SECRET}")
    assert SECRET not in redacted(override)


def test_quotes_that_somebody_wrote_stay() -> None:
    assert quoted_addresses("song", '"https://host/x.mp3?very=1"') == 'song="https://host/x.mp3?very=1"'
    assert redacted("?very=1") == "[secret]"
