"""Handing the video to a storage that remembers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from qmv.api import Storage, plugin, setting
from qmv.artifacts import Artifact, Delivery, File, Song, Video
from qmv.plugins.storage.folder import Folder
from qmv.stages.deliver import Deliver
from qmv.testing import StageContract, stage_context, style


@plugin
class Shelf(Storage):
    """Writes down what it is given."""

    name = "shelf"
    notes: str = setting("where it writes", default="")

    def put(self, file: Path, key: str, metadata: Mapping[str, str]) -> str:
        Path(self.notes).write_text(f"{file.name}|{key}|{dict(sorted(metadata.items()))}", encoding="utf-8")
        return f"shelf://{key}"

    def exists(self, key: str) -> bool:
        return Path(self.notes).exists()


def a_song(tmp_path: Path, title: str = "Night Train", artist: str = "The Pier") -> Song:
    (tmp_path / "song").write_bytes(b"a song")
    return Song(file=File.of(tmp_path / "song"), title=title, artist=artist)


def a_video(tmp_path: Path) -> Video:
    (tmp_path / "video.mp4").write_bytes(b"a video")
    return Video(
        file=File.of(tmp_path / "video.mp4"), width_px=64, height_px=36, fps=Fraction(24), frames=1, title="Night Train"
    )


def delivered(tmp_path: Path, key: str = "{title}.mp4", **song: str) -> Delivery:
    stage = Deliver(storage=Shelf(notes=str(tmp_path / "notes")), key=key)
    return stage.run(stage_context(tmp_path), song=a_song(tmp_path, **song), style=style(), video=a_video(tmp_path))


class TestDeliver(StageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Deliver:
        return Deliver(storage=Folder(path=str(tmp_path / "films")))

    @pytest.fixture
    def given(self, tmp_path: Path) -> dict[str, Artifact]:
        return {"song": a_song(tmp_path), "style": style(), "video": a_video(tmp_path)}


def test_deliver_tells_the_address(tmp_path: Path) -> None:
    made = delivered(tmp_path)
    assert (made.url, made.storage) == ("shelf://Night Train.mp4", "shelf")


def test_deliver_hands_over_the_video_with_its_names(tmp_path: Path) -> None:
    delivered(tmp_path)
    wanted = "video.mp4|Night Train.mp4|{'style': 'trial', 'title': 'Night Train'}"
    assert (tmp_path / "notes").read_text(encoding="utf-8") == wanted


def test_deliver_fills_every_placeholder(tmp_path: Path) -> None:
    made = delivered(tmp_path, "{artist}/{style}/{title} {run}.mp4")
    assert made.url == f"shelf://The Pier/trial/Night Train {tmp_path.name}.mp4"


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
def test_deliver_makes_a_file_name_of_any_title(tmp_path: Path, title: str, name: str) -> None:
    assert delivered(tmp_path, title=title).url == f"shelf://{name}.mp4"


def test_deliver_shortens_a_long_title_to_what_file_systems_take(tmp_path: Path) -> None:
    name = delivered(tmp_path, title="夜" * 300).url.removeprefix("shelf://")
    assert len(name.encode()) <= 124
    assert set(name.removesuffix(".mp4")) == {"夜"}


@pytest.mark.parametrize("key", ["{album}.mp4", "{}.mp4", "{title", "{title!x}"])
def test_deliver_refuses_a_wrong_placeholder(key: str) -> None:
    with pytest.raises(ValueError, match="key has a wrong placeholder"):
        Deliver(storage=Shelf(), key=key)


@pytest.mark.parametrize("key", ["{title.name}.mp4", "{title[a]}.mp4"])
def test_deliver_refuses_a_placeholder_with_a_part(key: str) -> None:
    with pytest.raises(ValueError, match="key has a wrong placeholder"):
        Deliver(storage=Shelf(), key=key)
