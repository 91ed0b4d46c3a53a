"""What comes instead of a song is told by its first bytes."""

from __future__ import annotations

import pytest

from qmv.engine.no_songs import refuse_other
from qmv.errors import InputError

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
