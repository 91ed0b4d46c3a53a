"""The page that plays a video: what it says, and that no title can break out of it."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from typing import Any

import pytest

from qmv.companions.page import page


def about(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": "Night Train",
        "artist": "The Pier",
        "style": "noir",
        "licence": "",
        "video": {"width_px": 1024, "height_px": 1024, "fps": "30000/1001", "frames": 90, "duration_s": 3.003},
    }
    return values | changes


class Found(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += [data.strip()] if data.strip() else []

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_page_plays_the_file_beside_it() -> None:
    found = Found(page(about(), "video_1"))
    assert found.of("video")[0]["src"] == "video_1.mp4"
    assert found.of("video")[0]["poster"] == "video_1.jpg"
    assert found.of("track") == []
    assert {"Night Train", "The Pier · style noir", "0:03", "1024 x 1024, 29.97 frames a second"} <= {*found.text}


def test_page_shows_captions_where_there_are_some() -> None:
    words = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nGröße &lt;3\n"
    source = Found(page(about(), "video_1", captions=words)).of("track")[0]["src"] or ""
    assert base64.b64decode(source.removeprefix("data:text/vtt;base64,")).decode() == words


def test_page_says_who_made_the_pictures() -> None:
    shot = {
        "start_s": 0.0, "prompt": "a pier, neon", "framing": "wide shot", "subject": "a pier", "lyric": "",
        "provider": "runware", "model": "runware:100@1",
        "source_type": "trainedAlgorithmicMedia",
    }  # fmt: skip
    own = shot | {"provider": "folder", "model": "", "source_type": ""}
    assert "2, made by AI (runware:100@1)" in Found(page(about(pictures=[shot, own]), "a")).text
    assert "made by AI" not in page(about(pictures=[own]), "a")


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "$name ${title} & Söhne"])
def test_no_title_breaks_out(title: str) -> None:
    text = page(about(title=title, artist=title, style=title, licence=title), 'a "b" <c>#?.x', captions="WEBVTT")
    found = Found(text)
    assert len(found.of("script")) == 1
    assert found.of("img") == []
    assert found.of("h1") == [{}]
    assert title in found.text
    assert found.of("video")[0]["src"] == "a%20%22b%22%20%3Cc%3E%23%3F.x.mp4"


def test_page_asks_nobody_else() -> None:
    assert "://" not in page(about(), "video_1", captions="WEBVTT")
