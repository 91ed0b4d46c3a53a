"""What a user knows of the beats, given on the command line or in a song's YAML: real processes, tiny songs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.media.probe import probe

pytestmark = pytest.mark.slow

Run = Callable[..., Any]


@pytest.fixture
def quick(clicks_plugin: Path) -> tuple[str, ...]:
    """The overrides that find the beats without librosa."""
    return f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=storyboard"


def beats(ended: Any) -> dict[str, Any]:
    """The beats of a run."""
    assert ended.rc == 0, ended.stderr
    [path] = ended.found("runs/**/beats.json")
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_beats_file_wins_over_what_is_heard(run_cli: Run, song: Path, tmp_path: Path, quick: tuple[str, ...]) -> None:
    (tmp_path / "my beats (2).txt").write_text("# mine\n0.1;1\n0.7;2\n1.3;3\n1.9;1\n", encoding="utf-8")
    found = beats(run_cli("song=song.wav", "song.beats_file=my beats (2).txt", *quick))
    assert (found["times_s"], found["bar_position"], found["meter"]) == ([0.1, 0.7, 1.3, 1.9], [1, 2, 3, 1], "3/4")


def test_songs_yaml_holds_what_is_known(run_cli: Run, song: Path, tmp_path: Path, quick: tuple[str, ...]) -> None:
    (tmp_path / "conf" / "song").mkdir(parents=True)
    (tmp_path / "conf" / "song" / "waltz.yaml").write_text(
        f"path: {song}\ntempo_range: [100, 130]\nmeter: 3/4\ndownbeat_s: 1.2\noffset_s: -0.01\n", encoding="utf-8"
    )
    found = beats(run_cli(f"hydra.searchpath=[file://{tmp_path}/conf]", "song=waltz", *quick))
    assert found["times_s"] == pytest.approx([0.24, 0.74, 1.24, 1.74, 2.24, 2.74], abs=1e-3)
    assert (found["bar_position"], found["notes"]) == ([2, 3, 1, 2, 3, 1], [])


def test_tempo_that_is_heard_otherwise_is_told(run_cli: Run, song: Path, quick: tuple[str, ...]) -> None:
    ended = run_cli("song=song.wav", "song.bpm=60", *quick)
    assert "2.00 times song.bpm=60" in beats(ended)["notes"][0]
    assert "2.00 times song.bpm=60" in ended.stderr


def test_best_window_makes_a_video_of_its_length(
    run_cli: Run, click_track: Run, tmp_path: Path, clicks_plugin: Path
) -> None:
    click_track(tmp_path / "song.wav", seconds=8)
    overrides = ("song=song.wav", "song.window=best 3", f"plugins=[{clicks_plugin}]", "tracker=clicks")
    ended = run_cli(*overrides)
    assert ended.rc == 0, ended.stderr
    assert probe(ended.video).frames == 72
    [manifest] = [json.loads(path.read_text(encoding="utf-8")) for path in ended.found("manifest.json")]
    assert manifest["song"]["end_s"] - manifest["song"]["start_s"] == pytest.approx(3, abs=1e-6)
    assert "window 'best 3' is" in manifest["notes"][0]
    assert "window 'best 3' is" in ended.stderr


def test_sweep_over_windows_tracks_the_song_once(
    run_cli: Run, click_track: Run, tmp_path: Path, quick: tuple[str, ...]
) -> None:
    click_track(tmp_path / "song.wav", seconds=8)
    ended = run_cli("-m", "song=song.wav", "song.start_s=0,1,2", "song.end_s=4,7", *quick)
    assert (ended.rc, len(ended.found("cache/whole_beats/*/*/beats.json"))) == (0, 1), ended.stderr


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["song.bpm=120", "song.beats_file=x.beats"], "song: beats_file and bpm both tell the tempo"),
        (["song.beats_file=x.beats"], "x.beats): there is no such file"),
        (["song.beats_file=."], "is no file but a folder"),
        (["song.window=best 5"], "window 'best 5' is longer than the song, which is 3.000 s"),
        (["song.window=best 2", "song.start_s=1"], "song: window 'best 2' and start_s=1 both choose a part"),
        (["song.tempo_range=[140,90]"], "song: tempo_range goes from the lower to the higher tempo"),
        (["song.tempo_range=fast"], "song.tempo_range"),
        (["song.meter=waltz"], "song: meter 'waltz' is none"),
        (["song.downbeat_s=3.5"], "downbeat_s=3.5 is past the end of the song"),
        (["song.bpm=fast"], "song.bpm: must be a number, got 'fast'"),
        (["song.bmp=120"], "Did you mean 'song.bpm'"),
    ],
)
def test_contradiction_is_refused_before_any_work(
    run_cli: Run, song: Path, quick: tuple[str, ...], overrides: list[str], words: str
) -> None:
    ended = run_cli("song=song.wav", *overrides, *quick)
    assert (ended.rc, len(ended.errors), "Traceback" in ended.stderr, ended.stdout) == (1, 1, False, "")
    assert words in ended.errors[0]
    assert ended.found("cache/whole_beats/*") == []
