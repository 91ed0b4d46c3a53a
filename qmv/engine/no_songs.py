"""Tells by its first bytes what is certainly no song, though it came from a song's address."""

from __future__ import annotations

from qmv.errors import InputError

__all__ = ["refuse_other"]

_GIVE = "give the address of the audio file itself"
_SIGNS = (
    (b"PK\x03\x04", "an archive (ZIP), not a song"),
    (b"PK\x05\x06", "an archive (ZIP), not a song"),
    (b"\x1f\x8b", "an archive (gzip), not a song"),
    (b"Rar!\x1a\x07", "an archive (RAR), not a song"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z), not a song"),
    (b"\x89PNG\r\n", "a picture, not a song"),
    (b"\xff\xd8\xff\xe0", "a picture, not a song"),
    (b"\xff\xd8\xff\xe1", "a picture, not a song"),
    (b"GIF8", "a picture, not a song"),
    (b"\x7fELF", "a program, not a song"),
    (b"MZ", "a program, not a song"),
)
# what a text begins with, in small letters -> what it is; FFmpeg would follow the addresses in a playlist
_TEXTS = (
    (b"<!doctype html", "a web page, not a song"),
    (b"<html", "a web page, not a song"),
    (b"<head", "a web page, not a song"),
    (b"#extm3u", "a playlist, not a song"),
    (b"[playlist]", "a playlist, not a song"),
    (b"ffconcat", "a playlist, not a song"),
    (b"<asx", "a playlist, not a song"),
    (b"<?xml", "a document (XML), not a song"),
    (b"%pdf", "a document (PDF), not a song"),
)
_TYPES = (
    ("text/html", "a web page, not a song"),
    ("application/xhtml", "a web page, not a song"),
    ("mpegurl", "a playlist, not a song"),
    ("pls+xml", "a playlist, not a song"),
    ("x-scpls", "a playlist, not a song"),
    ("json", "data (JSON), not a song"),
    ("image/", "a picture, not a song"),
)


def refuse_other(where: str, head: bytes, media_type: str = "", cure: str = _GIVE) -> None:
    """Raises InputError for what is a page, a playlist, a picture or a document; `head` is the first bytes of it.

    What begins as text is told by its words first, then by its media type: servers call songs all kinds of things.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    kind = next((kind for sign, kind in _SIGNS if head.startswith(sign)), "")
    kind = kind or next((kind for sign, kind in _TEXTS if start.startswith(sign)), "")
    if not kind and _is_text(head):
        kind = next((kind for name, kind in _TYPES if name in media_type.lower()), "a text, not a song")
    if kind:
        raise InputError(f"{where}: is {kind}; {cure}.")


def _is_text(head: bytes) -> bool:
    """No format of sound begins with 64 signs of text, all printable."""
    return len(head) > 0 and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head[:64])
