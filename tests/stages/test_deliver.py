"""Handing the video, and what belongs beside it, to a storage."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.api import Standing, Storage, Stored, Upload, plugin
from qmv.artifacts import Artifact, Delivery, File, LyricLine, Video
from qmv.errors import OutputError, PluginError
from qmv.objects.folder import FolderStore
from qmv.plugins.storage.folder import Folder
from qmv.stages.deliver import Deliver
from qmv.testing import StageContract, stage_context, style
from tests.finished import Film
from tests.stages.delivering import a_song


@pytest.fixture(scope="module")
def film(finished_film: Callable[[str], Film]) -> Film:
    return finished_film("stills")


@pytest.fixture
def video(film: Film) -> Video:
    return film.artifact("video", Video)


class TestDeliver(StageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Deliver:
        return Deliver(storage=Folder(path=str(tmp_path / "films")))

    @pytest.fixture
    def given(self, tmp_path: Path, video: Video) -> dict[str, Artifact]:
        return {"song": a_song(tmp_path), "style": style(), "video": video}


def delivered(tmp_path: Path, film: Film, *, lyrics: tuple[LyricLine, ...] = (), **settings: Any) -> Delivery:
    stage = Deliver(**{"storage": Folder(path=str(tmp_path / "films")), **settings})
    inputs = {name: film.artifact(name, kind) for name, kind in stage.inputs().items()}
    inputs["song"] = dataclasses.replace(inputs["song"], lyrics=lyrics)
    return stage.run(stage_context(tmp_path), **inputs)  # type: ignore[arg-type]


def test_everything_lies_beside_the_video(tmp_path: Path, film: Film) -> None:
    made = delivered(tmp_path, film, session="s", lyrics=(LyricLine(start_s=0.5, text="<la> la"),))
    folder = tmp_path / "films" / "videos" / "s"
    suffixes = [".jpg", ".srt", ".vtt", ".html", ".json"]
    assert made.url == str(folder / "video_1.mp4")
    assert made.companions == tuple(str(folder / f"video_1{suffix}") for suffix in suffixes)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"video_1{suffix}" for suffix in [".mp4", *suffixes]
    )
    page = (folder / "video_1.html").read_text(encoding="utf-8")
    assert 'src="video_1.mp4"' in page
    assert "data:text/vtt" in page
    assert "<la>" not in page


def test_the_sidecar_tells_what_the_video_is_made_of(tmp_path: Path, film: Film) -> None:
    made = delivered(tmp_path, film, licence="CC BY 4.0")
    about = json.loads(Path(made.companions[-1]).read_text(encoding="utf-8"))
    video = film.artifact("video", Video)
    assert about["video"]["sha256"] == File.of(Path(made.url)).sha256 == video.file.sha256
    assert about["licence"] == "CC BY 4.0"
    assert about["sync"]["cuts"] == len(about["pictures"]) - 1
    assert about["beats"]["count"] == len(about["beats"]["times_s"])
    assert about["pictures"][-1]["end_s"] == pytest.approx(about["video"]["duration_s"])
    assert all(picture["prompt"] and picture["sha256"] for picture in about["pictures"])
    text = json.dumps(about)
    assert str(tmp_path) not in text
    assert str(film.folder) not in text


def test_the_same_video_twice_sends_nothing_and_says_so(tmp_path: Path, film: Film) -> None:
    assert not delivered(tmp_path, film).unchanged
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "films").iterdir()}
    assert delivered(tmp_path, film).unchanged
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "films").iterdir()} == files


def test_another_video_under_the_key_is_left_alone_and_so_is_what_lies_beside_it(tmp_path: Path, film: Film) -> None:
    (tmp_path / "films").mkdir()
    for suffix in (".mp4", ".json"):
        (tmp_path / "films" / f"taken{suffix}").write_bytes(b"somebody else's")
    with pytest.raises(OutputError, match=r"storage\.overwrite=true"):
        delivered(tmp_path, film, key="taken.mp4")
    assert {path.read_bytes() for path in (tmp_path / "films").iterdir()} == {b"somebody else's"}


@pytest.mark.parametrize("suffix", [".jpg", ".html", ".json"])
def test_files_of_others_beside_the_video_are_left_alone(tmp_path: Path, film: Film, suffix: str) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / f"a{suffix}").write_bytes(b"my cover art")
    with pytest.raises(OutputError, match=rf"a\{suffix} stands already with other content"):
        delivered(tmp_path, film, key="a.mp4")
    assert [path.read_bytes() for path in (tmp_path / "films").iterdir()] == [b"my cover art"]


def test_what_lies_beside_the_same_video_is_renewed(tmp_path: Path, film: Film) -> None:
    delivered(tmp_path, film, key="a.mp4", licence="CC0")
    made = delivered(tmp_path, film, key="a.mp4", licence="CC BY 4.0")
    assert made.unchanged
    assert json.loads((tmp_path / "films" / "a.json").read_text(encoding="utf-8"))["licence"] == "CC BY 4.0"


class _Dark(FolderStore):
    """A folder whose light goes out as soon as a video is there."""

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        super().send(upload, replaces, progress)
        if upload.key.endswith(".mp4"):
            raise KeyboardInterrupt


@plugin
class Dark(Folder):
    name = "dark"

    def store(self) -> FolderStore:
        return _Dark(where="storage (dark)", folder=Path(self.path))


def test_no_sidecar_stands_beside_another_video(tmp_path: Path, film: Film) -> None:
    delivered(tmp_path, film, key="a.mp4")
    (tmp_path / "films" / "a.mp4").unlink()
    (tmp_path / "films" / "a.mp4").write_bytes(b"another video")
    sidecar = json.loads((tmp_path / "films" / "a.json").read_text(encoding="utf-8"))
    sidecar["video"]["sha256"] = File.of(tmp_path / "films" / "a.mp4").sha256
    (tmp_path / "films" / "a.json").unlink()
    (tmp_path / "films" / "a.json").write_text(json.dumps(sidecar), encoding="utf-8")
    stage = Deliver(storage=Dark(path=str(tmp_path / "films"), overwrite=True), key="a.mp4")
    inputs = {name: film.artifact(name, kind) for name, kind in stage.inputs().items()}
    with pytest.raises(KeyboardInterrupt):
        stage.run(stage_context(tmp_path), **inputs)  # type: ignore[arg-type]
    assert File.of(tmp_path / "films" / "a.mp4").sha256 == film.artifact("video", Video).file.sha256
    assert not (tmp_path / "films" / "a.json").exists()
    delivered(tmp_path, film, key="a.mp4", storage=Folder(path=str(tmp_path / "films"), overwrite=True))
    about = json.loads((tmp_path / "films" / "a.json").read_text(encoding="utf-8"))
    assert about["video"]["sha256"] == File.of(tmp_path / "films" / "a.mp4").sha256


def test_nothing_of_a_killed_delivery_is_left(tmp_path: Path, film: Film) -> None:
    delivered(tmp_path, film)
    uploads = stage_context(tmp_path).cache.root / "uploads"
    [lock] = uploads.iterdir()
    lock.with_suffix("").mkdir()
    (lock.with_suffix("") / "beside.jpg").write_bytes(b"left behind")
    delivered(tmp_path, film)
    assert list(uploads.iterdir()) == [lock]


def test_the_video_goes_alone_where_that_is_wanted(tmp_path: Path, film: Film) -> None:
    assert delivered(tmp_path, film, companions=False).companions == ()
    assert len(list((tmp_path / "films").iterdir())) == 1


def test_nothing_is_left_in_the_run_folder(tmp_path: Path, film: Film) -> None:
    delivered(tmp_path, film)
    assert [path.name for path in stage_context(tmp_path).folder.iterdir() if path.name.startswith(".delivery")] == []


@plugin
class Careless(Storage):
    """Says where, and nothing else."""

    name = "careless"

    def store(self) -> FolderStore:
        raise NotImplementedError

    def put(self, upload: Upload, progress: Callable[[int], None]) -> Stored:
        return "somewhere"  # type: ignore[return-value]


def test_a_storage_that_breaks_its_contract_is_named(tmp_path: Path, video: Video) -> None:
    stage = Deliver(storage=Careless(), companions=False)
    with pytest.raises(PluginError, match=r"storage \(careless\): put\(\) must give a Stored, got 'somewhere'"):
        stage.run(stage_context(tmp_path), song=a_song(tmp_path), style=style(), video=video)
