"""The command line as a user meets it after a mistake: one sentence for each, and nothing that looks like a result."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.ended import manifests, refused
from tests.machine import disk

pytestmark = pytest.mark.slow

Run = Callable[..., Any]


# -- bad songs -------------------------------------------------------------------------------------------------------


def no_such_file(folder: Path) -> Path:
    return folder / "nothing.mp3"


def text_as_mp3(folder: Path) -> Path:
    (folder / "text.mp3").write_text("This is no song.\n" * 50, encoding="utf-8")
    return folder / "text.mp3"


def empty_file(folder: Path) -> Path:
    (folder / "empty.wav").write_bytes(b"")
    return folder / "empty.wav"


def no_samples(folder: Path) -> Path:
    soundfile.write(folder / "zero.wav", np.zeros(0, dtype=np.float32), 22050)
    return folder / "zero.wav"


def a_folder(folder: Path) -> Path:
    (folder / "songs").mkdir()
    return folder / "songs"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (no_such_file, "there is no such file"),
        (text_as_mp3, "cannot be read as audio"),
        (empty_file, "the file is empty"),
        (no_samples, "has no sound in it"),
        (a_folder, "is a folder"),
    ],
)
def test_bad_song_is_refused_by_name(
    run_cli: Run, tmp_path: Path, quick: tuple[str, str], make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path)
    assert f"error: song ({path}): {words}" in refused(run_cli(f"song={path}", *quick))


# -- bad settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("style=nion", "style: 'nion' is not known. Did you mean 'neon'? Known: "),
        ("image=canvsa", "image: 'canvsa' is not known. Did you mean 'canvas'? Known: canvas, diffusers, "),
        ("beats_per_imag=2", "'beats_per_imag' is not known. Did you mean 'beats_per_image'? Known: "),
        ("motion.zom=1", "'motion.zom' is not known. Did you mean 'motion.zoom'? Known: "),
        ("fps=0", "fps must be at least 1 and at most 240, got 0"),
        ("beats_per_image=-1", "beats_per_image must be at least 1"),
        ("beats_per_image=two", "beats_per_image"),
        ("width=65", "width must be even"),
        ("song.start_s=99", "has no sound after start_s=99"),
        ("~stages.beats", "reads 'beats', which nothing makes"),
    ],
)
def test_bad_setting_is_refused_with_what_is_allowed(
    run_cli: Run, song: Path, quick: tuple[str, str], override: str, words: str
) -> None:
    assert words in refused(run_cli(f"song={song}", override, *quick))


def test_bad_setting_is_written_into_the_manifest(run_cli: Run, song: Path) -> None:
    ended = run_cli(f"song={song}", "fps=0")
    manifest = manifests(ended)[0]
    assert (manifest["status"], "fps must be at least 1" in manifest["error"]) == ("failed", True)
    [events] = ended.found("events.jsonl")
    end = json.loads(events.read_text(encoding="utf-8"))
    assert (end["event"], end["error"]) == ("RunFinished", manifest["error"])
    assert end["error_kind"] == manifest["error_kind"] == "ConfigError"


# -- bad outputs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "/more"])
def test_outputs_that_are_a_file_are_refused(run_cli: Run, song: Path, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("text", encoding="utf-8")
    sentence = refused(run_cli(f"song={song}", outputs=Path(f"{tmp_path}/file{below}")))
    assert "a part of this path is a file, not a folder; name another folder with outputs=FOLDER" in sentence


@pytest.fixture(params=[4, 64])
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk of some kilobytes, full at different moments of a run."""
    with disk(tmp_path / "disk", kb=request.param) as folder:
        yield folder


def test_outputs_on_a_full_disk_end_in_a_sentence(
    run_cli: Run, song: Path, quick: tuple[str, str], full_disk: Path
) -> None:
    assert "the disk is full" in refused(run_cli(f"song={song}", *quick, outputs=full_disk), rc=75)


@pytest.mark.parametrize("most_bytes", [2_000, 20_000])
def test_outputs_past_the_size_that_is_allowed_end_in_a_sentence(
    run_cli: Run, song: Path, quick: tuple[str, str], most_bytes: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    assert "outputs=FOLDER" in refused(run_cli(f"song={song}", *quick, preexec_fn=limit))


# -- bad pictures ----------------------------------------------------------------------------------------------------


def test_picture_folder_that_is_not_there_is_refused(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli(f"song={song}", "image=folder", "image.path=nowhere", *quick)
    assert "image (folder): there is no folder nowhere" in refused(ended)


def test_picture_folder_that_is_not_named_is_refused(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    assert "image.path" in refused(run_cli(f"song={song}", "image=folder", *quick))


def test_picture_folder_without_pictures_is_refused(
    run_cli: Run, song: Path, quick: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ended = run_cli(f"song={song}", "image=folder", "image.path=empty", *quick)
    assert "image (folder): empty holds no pictures" in refused(ended)


def test_broken_picture_is_named(
    run_cli: Run, song: Path, quick: tuple[str, str], picture_folder: Run, tmp_path: Path
) -> None:
    folder = picture_folder(tmp_path / "pictures")
    (folder / "1.png").write_bytes(b"no picture")
    sentence = refused(run_cli(f"song={song}", "image=folder", f"image.path={folder}", *quick))
    assert f"{folder}/1.png: cannot be read as a picture" in sentence
    assert " object at 0x" not in sentence


# -- bad plugins -----------------------------------------------------------------------------------------------------


def test_two_plugins_of_one_name_are_refused_naming_both(
    run_cli: Run, song: Path, clicks_plugin: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other_plugin.py"
    other.write_text(clicks_plugin.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")
    sentence = refused(run_cli(f"song={song}", f"plugins=[{clicks_plugin},{other}]"))
    assert "'clicks', one from clicks_plugin.py and one from other_plugin.py" in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:\n", "failed to import (SyntaxError"),
        ("raise SystemExit(3)\n", "failed to import (SystemExit"),
        ("from qmv.hookspecs import hookimpl\n@hookimpl\ndef qmv_traker(): ...\n", "Did you mean 'qmv_trackers'"),
        ("from qmv.hookspecs import hookimpl\n@hookimpl\ndef qmv_trackers():\n    return 1 / 0\n", "division by zero"),
    ],
    ids=["syntax error", "exit", "misspelled hook", "hook that raises"],
)
def test_plugin_file_with_a_mistake_is_refused_by_name(
    run_cli: Run, song: Path, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    sentence = refused(run_cli(f"song={song}", f"plugins=[{path}]"))
    assert ("mine.py" in sentence, words in sentence) == (True, True)
