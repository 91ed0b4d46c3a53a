"""Words of a command line, before Hydra reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.engine.config.arguments import early, escaped
from qmv.engine.songs import SongSearchPath


@pytest.fixture(autouse=True)
def no_songs_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SongSearchPath, "songs_dir", "")


# -- escaped ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["song", "song.beats_file", "song.lyrics", "storyboard"])
def test_escaped_puts_the_path_of_a_file_into_quotes(tmp_path: Path, key: str) -> None:
    path = tmp_path / "a, b [live].txt"
    path.write_bytes(b"")
    assert escaped(f"{key}={path}") == f'{key}="{path}"'


def test_escaped_finds_a_song_in_the_songs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a, b.wav").write_bytes(b"")
    monkeypatch.setattr(SongSearchPath, "songs_dir", str(tmp_path))
    assert escaped("song=a, b.wav") == 'song="a, b.wav"'


@pytest.mark.parametrize("argument", ["song=one.mp3,two.mp3", "style=neon,noir", "seed=range(1,4)", "~stages.proof"])
def test_escaped_leaves_the_grammar_of_hydra_alone(argument: str) -> None:
    assert escaped(argument) == argument


def test_escaped_reads_the_home_folder_as_a_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/my songs")
    assert escaped("outputs='~/videos'") == 'outputs="/home/my songs/videos"'


@pytest.mark.parametrize(
    ("argument", "as_hydra_reads_it"),
    [
        ("song=~/missing.mp3", "song=/home/me/missing.mp3"),
        ("song=~/a b.mp3,c.mp3,~/d.mp3", 'song="/home/me/a b.mp3",c.mp3,/home/me/d.mp3'),
        ("image.path=~/pictures", "image.path=/home/me/pictures"),
        ("hydra.run.dir=~/here", "hydra.run.dir=/home/me/here"),
    ],
)
def test_escaped_finds_the_home_folder_in_any_setting(
    monkeypatch: pytest.MonkeyPatch, argument: str, as_hydra_reads_it: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert escaped(argument) == as_hydra_reads_it


@pytest.mark.parametrize(
    "argument",
    ["song='~/a.mp3'", 'title="a,~/b"', "style.subjects=['one,~/two']", "song=choice(~/a,~/b)", "--config-dir=~/x"],
)
def test_escaped_leaves_what_is_quoted_or_grouped_to_hydra(argument: str) -> None:
    assert escaped(argument) == argument


def test_early_finds_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert early("plugins", ["plugins=[~/a.py,b.py]"], tmp_path / "none.yaml") == ["/home/me/a.py", "b.py"]


# -- early -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("plugins: [a.py, b.py]\nsongs_dir: music\n", encoding="utf-8")
    return path


def test_early_reads_the_config_where_the_command_line_says_nothing(config_file: Path) -> None:
    found = early("plugins", ["seed=1"], config_file), early("songs_dir", [], config_file)
    assert found == (["a.py", "b.py"], ["music"])


@pytest.mark.parametrize("argument", ["plugins=[c.py,d.py]", "+plugins=['c.py', \"d.py\"]"])
def test_early_takes_the_command_line_first(config_file: Path, argument: str) -> None:
    assert early("plugins", [argument], config_file) == ["c.py", "d.py"]


def test_early_finds_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    assert early("plugins", [], tmp_path / "config.yaml") == []
