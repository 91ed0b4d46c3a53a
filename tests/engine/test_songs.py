"""Every audio file is an option of the config group `song`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.registry import Registry
from qmv.engine.songs import DEMO, SongSource, in_quotes, quoted

Compose = Callable[..., tuple[Any, Registry]]
Run = Callable[..., Any]

NAMES = [
    "a b.wav",
    "with [brackets] (live).wav",
    "one, two.wav",
    'it\'s "quoted".wav',
    "Größe & Ärger.wav",
    "key=value.wav",
    "100% #1.wav",
    "{x} $y ~z.wav",
    "back\\slash.wav",
    "x@y:z.wav",
    "UPPER.WAV",
    "Größe.wav",
    "日本語.wav",
    "a~1.wav",
    "${outputs}.wav",
]


# -- in this process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["track.mp3", "a/b.flac", "/a/b.ogg", "../c.m4a"])
def test_song_path_is_an_option_of_the_group(compose: Compose, path: str) -> None:
    assert compose(f"song={path}")[0].song.path == path


@pytest.mark.parametrize("text", [*NAMES, "ends with \\", 'a\\"b', "\\\\", "", "two\\\\ words"])
def test_quoted_text_reads_as_it_was(compose: Compose, text: str) -> None:
    for form in (quoted(text), in_quotes(text)) if text else (in_quotes(text),):
        assert compose(f"song.title={form}")[0].song.title == text


def test_quoted_number_stays_a_text(compose: Compose) -> None:
    assert compose(f"song.title={in_quotes('30')}")[0].song.title == "30"


def test_song_is_the_demo_by_default(compose: Compose) -> None:
    assert compose()[0].song.path == DEMO


def test_song_takes_its_other_settings_beside_the_path(compose: Compose) -> None:
    cfg, _ = compose("song=a.mp3", "song.title=Ours", "song.start_s=2.5")
    assert (cfg.song.path, cfg.song.title, cfg.song.start_s) == ("a.mp3", "Ours", 2.5)


def test_song_by_bare_name_is_found_in_the_folder(compose: Compose, tmp_path: Path) -> None:
    (tmp_path / "one.mp3").write_bytes(b"")
    assert compose("song=one.mp3", f"songs_dir={tmp_path}")[0].song.path == str(tmp_path / "one.mp3")


def test_song_by_path_is_not_looked_for_in_the_folder(compose: Compose, tmp_path: Path) -> None:
    assert compose("song=/a/one.mp3", f"songs_dir={tmp_path}")[0].song.path == "/a/one.mp3"


def test_song_by_the_path_key_needs_no_option(compose: Compose) -> None:
    assert compose("song.path=a.mp3")[0].song.path == "a.mp3"


def test_song_folder_lists_its_audio_files_in_order(tmp_path: Path) -> None:
    for name in ("b.mp3", "a.WAV", "c.flac", "cover.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert SongSource("qmv-songs", f"songs://{tmp_path}").list("song", None) == ["a.WAV", "b.mp3", "c.flac"]


def test_song_folder_that_is_not_there_lists_nothing(tmp_path: Path) -> None:
    assert SongSource("qmv-songs", f"songs://{tmp_path / 'nowhere'}").list("song", None) == []


def test_songs_without_a_folder_list_the_demo() -> None:
    assert SongSource("qmv-songs", "songs://").list("song", None) == [DEMO]


def test_songs_know_no_name_that_is_longer_than_names_can_be() -> None:
    assert not SongSource(provider="", path="songs://").is_config(f"song/{'long' * 80}")


def test_songs_answer_for_no_other_group() -> None:
    assert not SongSource("qmv-songs", "songs://").is_config("style/neon.mp3")


# -- on the command line ---------------------------------------------------------------------------------------------


def song_of(ended: Any) -> Any:
    """The song's path, as the manifest of the run has it."""
    [path] = ended.found("manifest.json")
    return json.loads(path.read_text(encoding="utf-8"))["song"].get("path")


@pytest.fixture
def plan(run_cli: Run, clicks_plugin: Path) -> Run:
    """Plans a run, without pictures or video."""

    def run(*overrides: str, **more: Any) -> Any:
        quick = (f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=storyboard", "run.dry=true")
        return run_cli(*overrides, *quick, **more)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_song_is_found_by_any_file_name(plan: Run, song: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(song, tmp_path / name)
    ended = plan(f"song={name}")
    assert (ended.rc, song_of(ended)) == (0, str(tmp_path / name)), ended.stderr


@pytest.mark.slow
def test_song_is_found_by_an_absolute_path_with_spaces_and_brackets(plan: Run, song: Path, tmp_path: Path) -> None:
    path = tmp_path / "my songs [2024]" / "a, b.wav"
    path.parent.mkdir()
    shutil.copy(song, path)
    ended = plan(f"song={path}")
    assert (ended.rc, song_of(ended)) == (0, str(path)), ended.stderr


@pytest.mark.slow
def test_song_in_quotes_as_hydra_wants_them_is_found(plan: Run, song: Path, tmp_path: Path) -> None:
    shutil.copy(song, tmp_path / "a, b.wav")
    ended = plan('song="a, b.wav"')
    assert (ended.rc, song_of(ended)) == (0, str(tmp_path / "a, b.wav")), ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one.wav", "a b.wav", "one, two [live] ü.wav"])
def test_song_is_found_by_its_bare_name_in_the_folder(plan: Run, song: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "songs").mkdir()
    shutil.copy(song, tmp_path / "songs" / name)
    ended = plan(f"song={name}", f"songs_dir={tmp_path / 'songs'}")
    assert (ended.rc, song_of(ended)) == (0, str(tmp_path / "songs" / name)), ended.stderr


@pytest.mark.slow
def test_song_folder_with_a_space_is_found(plan: Run, song: Path, tmp_path: Path) -> None:
    (tmp_path / "my songs").mkdir()
    shutil.copy(song, tmp_path / "my songs" / "one.wav")
    ended = plan("song=one.wav", f"songs_dir={tmp_path / 'my songs'}")
    assert (ended.rc, song_of(ended)) == (0, str(tmp_path / "my songs" / "one.wav")), ended.stderr


@pytest.mark.slow
def test_song_yaml_is_an_option_too(plan: Run, song: Path, tmp_path: Path) -> None:
    presets = tmp_path / "presets" / "song"
    presets.mkdir(parents=True)
    (presets / "ours.yaml").write_text(f"path: {song}\ntitle: Ours\nstart_s: 0.5\n", encoding="utf-8")
    ended = plan("song=ours", f"hydra.searchpath=[file://{presets.parent}]")
    assert (ended.rc, song_of(ended)) == (0, str(song)), ended.stderr
