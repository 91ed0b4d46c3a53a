"""`python -m qmv replay`: the same bytes again, from the manifest alone, or what is not as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.__main__ import main

Replay = Callable[..., tuple[int, str, str]]


@pytest.fixture
def replay(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Replay:
    """Runs the command in another folder than the run: (exit code, stdout, stderr)."""
    (tmp_path / "elsewhere").mkdir()

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path / "elsewhere")
        rc = main(["replay", *map(str, arguments)])
        said = capsys.readouterr()
        return rc, said.out.strip(), said.err

    return command


@pytest.fixture
def made(run_cli: Callable[..., Any], song: Path, clicks_plugin: Path) -> Path:
    """A video that a real run made, with names that are relative to the folder that it ran in."""
    ended = run_cli(
        f"song={song.name}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "style=noir", "fps=23.976",
        "+effect@effects.flash=flash", "beats_per_image=2", "min_images=2", outputs=Path("out"), cwd=song.parent,
    )  # fmt: skip
    assert ended.rc == 0, ended.stderr
    return Path(ended.video)


def test_a_run_is_made_again_to_the_byte(replay: Replay, made: Path, tmp_path: Path) -> None:
    before = made.read_bytes()
    shutil.rmtree(tmp_path / "out" / "cache")
    rc, video, err = replay(made.with_name("manifest.json"))
    assert rc == 0, err
    assert "the same bytes" in err
    assert Path(video) != made
    assert Path(video).is_relative_to(tmp_path / "out" / "runs")
    assert Path(video).read_bytes() == before
    assert json.loads(Path(video).with_name("manifest.json").read_text(encoding="utf-8"))["status"] == "finished"


def test_a_replay_can_be_replayed(replay: Replay, made: Path) -> None:
    _, second, _ = replay(made.parent)
    rc, third, err = replay(Path(second).parent)
    assert (rc, Path(third).read_bytes()) == (0, made.read_bytes()), err


def test_a_song_that_was_moved_is_named(replay: Replay, made: Path, song: Path) -> None:
    moved = song.rename(song.with_name("moved.wav"))
    rc, _, err = replay(made.parent)
    assert rc == 1
    assert "the song of this run is not there any more; name it with --song PATH" in err
    rc, _, err = replay(made.parent, "--song", moved)
    assert rc == 0, err


def test_another_song_is_refused(replay: Replay, made: Path, song: Path, click_track: Callable[..., Path]) -> None:
    click_track(song, bpm=90)
    rc, _, err = replay(made.parent)
    assert rc == 1
    assert "is another song than this run's, by its bytes" in err


def test_other_bytes_are_told_with_what_is_not_as_it_was(replay: Replay, made: Path) -> None:
    file = made.with_name("manifest.json")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["video"]["sha256"] = "0" * 64
    manifest["made_with"]["libraries"]["av"] = "1.2.3"
    file.write_text(json.dumps(manifest), encoding="utf-8")
    rc, video, err = replay(file)
    assert rc == 1
    assert Path(video).is_file()
    assert "the video has other bytes than that of" in err
    assert "(was 1.2.3)" in err


def test_nothing_is_bought_for_a_replay(replay: Replay, made: Path) -> None:
    file = made.with_name("manifest.json")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["config"]["budget_usd"] = 5.0
    file.write_text(json.dumps(manifest), encoding="utf-8")
    _, video, _ = replay(file)
    assert json.loads(Path(video).with_name("manifest.json").read_text(encoding="utf-8"))["budget_usd"] == 0
    _, video, _ = replay(file, "--pay")
    assert json.loads(Path(video).with_name("manifest.json").read_text(encoding="utf-8"))["budget_usd"] == 5


def test_a_run_without_a_video_has_nothing_to_compare(replay: Replay, made: Path) -> None:
    file = made.with_name("manifest.json")
    manifest = json.loads(file.read_text(encoding="utf-8")) | {"video": {}}
    file.write_text(json.dumps(manifest), encoding="utf-8")
    assert "its run made no video" in replay(file)[2]
