"""What the small commands make of their arguments: plugins with settings, and paths that may be written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qmv.api import Tracker, plugin, setting
from qmv.commands.given import output_path, plugin_of, written
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, OutputError


@plugin
class Trial(Tracker):
    """One setting of each type."""

    name = "trial"
    start_bpm: float = setting("tempo", default=120.0, at_least=30, at_most=300)
    count: int = setting("how many", default=1)
    bars: bool = setting("whether", default=True)
    weights: str = setting("which", default="small", choices=("small", "large"))
    limit: float | None = setting("at most", default=None)
    band: tuple[float, ...] = setting("from and to", default=())

    def track(self, samples: Any, rate_hz: int, hints: Any) -> Any: ...


class Only(Registry):
    """Knows the trial too."""

    def get(self, kind: str, name: str) -> Any:
        from qmv.engine.registry import Entry

        return Entry(cls=Trial, package="trial", package_version="") if name == "trial" else super().get(kind, name)


def trial(*settings: str) -> Any:
    return plugin_of(Only(), "tracker", "trial", settings)


def test_settings_get_the_type_of_their_field() -> None:
    made = trial("start_bpm=90", "count=3", "bars=false", "weights=large", "limit=2.5")
    assert made == Trial(start_bpm=90.0, count=3, bars=False, weights="large", limit=2.5)
    assert trial("limit=null").limit is None


@pytest.mark.parametrize(
    ("setting_", "said"),
    [
        ("start_bpm", "tracker (trial): a setting is KEY=VALUE, got 'start_bpm'"),
        ("tempo=3", "tracker (trial) setting: 'tempo' is not known."),
        ("start_bpm=fast", "tracker (trial): start_bpm must be a number, got 'fast'."),
        ("count=1.5", "tracker (trial): count must be a whole number, got '1.5'."),
        ("bars=maybe", "tracker (trial): bars must be true or false, got 'maybe'."),
        ("start_bpm=5", "tracker (trial): start_bpm must be at least 30 and at most 300, got 5."),
        ("weights=huge", "tracker (trial): weights: 'huge' is not known."),
        ("band=1,2", "tracker (trial): band cannot be given here"),
    ],
)
def test_a_wrong_setting_is_one_sentence(setting_: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        trial(setting_)
    assert str(caught.value).startswith(said)


def test_an_unknown_plugin_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"tracker: 'librsa' is not known. Did you mean 'librosa'\?"):
        plugin_of(Registry(), "tracker", "librsa", [])


def test_paths_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"sound")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "link.wav").symlink_to(song)
    for path, said in (
        (tmp_path / "out.mp3", "is written as WAV; name a file that ends in .wav"),
        (tmp_path / "missing" / "out.wav", "there is no folder"),
        (tmp_path / "folder.wav", "is a folder"),
        (song, "is read itself and would be lost"),
        (tmp_path / "link.wav", "is read itself and would be lost"),
    ):
        with pytest.raises(OutputError, match=said):
            output_path("--click", path, ".wav", [str(song), None])
    output_path("--click", tmp_path / "out.wav", ".wav", [str(song), "demo"])


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    def write(text: str, error: OSError | None = None) -> None:
        with written("--click", tmp_path / "out.wav") as part:
            part.write_text(text, encoding="utf-8")
            if error is not None:
                raise error

    with pytest.raises(OutputError, match=r"--click .*: cannot be written \(No space left"):
        write("half", OSError(28, "No space left on device"))
    assert list(tmp_path.iterdir()) == []
    write("whole")
    assert [file.name for file in tmp_path.iterdir()] == ["out.wav"]
