"""The key of a delivered video, from its names."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from qmv.api import Storage
from qmv.artifacts import File, Video
from qmv.plugins.storage.folder import Folder
from qmv.stages.deliver import Deliver
from qmv.testing import style
from tests.stages.delivering import a_song


def a_video(tmp_path: Path) -> Video:
    (tmp_path / "video.mp4").write_bytes(b"a video")
    return Video(
        file=File.of(tmp_path / "video.mp4"), width_px=64, height_px=36, fps=Fraction(24), frames=1, title="Night Train"
    )


def key_of(tmp_path: Path, *, title: str = "Night Train", **settings: Any) -> str:
    stage = Deliver(storage=Folder(path=str(tmp_path)), **settings)
    return stage.key_of(a_song(tmp_path, title), style(), a_video(tmp_path), "12-00-00")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "Night Train.mp4"),
        ({"session": "spring-26"}, "videos/spring-26/video_1.mp4"),
        ({"session": "spring-26", "n": 12}, "videos/spring-26/video_12.mp4"),
        ({"key": "{artist}/{style}/{title} {run}.mp4"}, "The Pier/trial/Night Train 12-00-00.mp4"),
        ({"session": "s", "key": "{session}-{n}.mp4"}, "s-1.mp4"),
    ],
)
def test_key_is_made_of_names(tmp_path: Path, settings: dict[str, Any], key: str) -> None:
    assert key_of(tmp_path, **settings) == key


def test_name_of_a_video_tells_its_bytes(tmp_path: Path) -> None:
    digest = a_video(tmp_path).file.sha256[:8]
    assert key_of(tmp_path, key=Storage.default_key) == f"videos/Night Train/trial/Night Train-{digest}.mp4"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("AC/DC: Live?", "AC_DC_ Live_"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("", "video"),
        ("...", "video"),
        ("夜の電車", "夜の電車"),
        ("tab\tand\nline", "tab_and_line"),
        (" spaced . ", "spaced"),
    ],
)
def test_any_title_makes_a_file_name(tmp_path: Path, title: str, name: str) -> None:
    assert key_of(tmp_path, title=title) == f"{name}.mp4"


def test_a_long_title_is_shortened_to_what_file_systems_take(tmp_path: Path) -> None:
    name = key_of(tmp_path, title="夜" * 300)
    assert len(name.encode()) <= 124
    assert set(name.removesuffix(".mp4")) == {"夜"}


def test_long_titles_with_different_videos_have_different_names(tmp_path: Path) -> None:
    video, keys = a_video(tmp_path), set()
    for sign in "ab":
        other = dataclasses.replace(video, file=dataclasses.replace(video.file, sha256=sign * 64))
        stage = Deliver(storage=Folder(), key=Storage.default_key)
        keys.add(stage.key_of(a_song(tmp_path, "é" * 200), style(), other, "run"))
    assert len(keys) == 2
    assert max(len(part.encode()) for key in keys for part in key.split("/")) <= 124


def test_a_title_that_nobody_can_decode_makes_a_key(tmp_path: Path) -> None:
    assert key_of(tmp_path, title="a\udce9b") == "a?b.mp4".replace("?", "_")


@pytest.mark.parametrize("key", ["film.json", "film", "song.v1", ".mp4", "a/.mp4", "/", ".", "{title}"])
def test_a_key_that_is_no_name_of_a_video_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"key must end in a name and \.mp4"):
        Deliver(storage=Folder(), key=key)


@pytest.mark.parametrize("key", ["{album}.mp4", "{}.mp4", "{title", "{title!x}", "{title.name}.mp4", "{title[a]}.mp4"])
def test_a_wrong_placeholder_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key has a wrong placeholder"):
        Deliver(storage=Folder(), key=key)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"session": "../other"}, "session has letters"),
        ({"session": ".hidden"}, "session has letters"),
        ({"session": "a/b"}, "session has letters"),
        ({"session": "a" * 129}, "session has letters"),
        ({"n": -1}, "n must be at least 0"),
        ({"key": "{session}.mp4"}, "there is no session; set session=ID"),
    ],
)
def test_a_wrong_session_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Deliver(storage=Folder(), **settings)
