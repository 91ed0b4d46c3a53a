"""`python -m qmv beats`: what it prints and writes, and one sentence for each mistake."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from qmv.__main__ import main

Beats = Callable[..., tuple[int, str, str]]


@pytest.fixture
def song(click_track: Callable[..., Path], tmp_path: Path) -> Path:
    return click_track(tmp_path / "song.wav", bpm=120, seconds=8.0)


@pytest.fixture
def beats(clicks_plugin: Path, capsys: pytest.CaptureFixture[str]) -> Beats:
    """Runs the command with a tracker that is exact on clicks: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        rc = main(["beats", "--file", str(clicks_plugin), *map(str, arguments)])
        said = capsys.readouterr()
        return rc, said.out, said.err

    return run


def rows(text: str) -> list[tuple[float, int]]:
    return [(float(time), int(place)) for time, place in (line.split("\t") for line in text.splitlines())]


def test_beats_are_printed_as_a_beats_file(beats: Beats, song: Path) -> None:
    rc, out, err = beats(song, "--tracker", "clicks")
    assert rc == 0
    assert [time for time, _ in rows(out)] == pytest.approx([0.25 + n / 2 for n in range(16)], abs=1e-4)
    assert {place for _, place in rows(out)} == {0}
    assert "16 beats, 120.0 a minute" in err


def test_what_is_known_of_the_song_counts(beats: Beats, song: Path) -> None:
    _, out, _ = beats(song, "--tracker", "clicks", "--meter", "3/4", "--downbeat-s", "0.75", "--offset-s", "0")
    assert [place for _, place in rows(out)][:5] == [3, 1, 2, 3, 1]


def test_a_beats_file_is_believed(beats: Beats, song: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.beats"
    known.write_text("1.0\t1\n2.0\t2\n3.0\t1\n", encoding="utf-8")
    _, out, _ = beats(song, "--tracker", "clicks", "--beats-file", known)
    assert rows(out) == [(1.0, 1), (2.0, 2), (3.0, 1)]


def test_times_of_a_window_are_those_of_the_file(beats: Beats, song: Path) -> None:
    _, out, _ = beats(song, "--tracker", "clicks", "--start-s", "2", "--end-s", "4")
    assert [time for time, _ in rows(out)] == pytest.approx([2.25, 2.75, 3.25, 3.75], abs=1e-4)


def test_the_best_window_is_found_and_told(beats: Beats, song: Path) -> None:
    rc, out, err = beats(song, "--tracker", "clicks", "--window", "best 2")
    assert rc == 0, err
    [note] = [line for line in err.splitlines() if "window" in line]
    start_s, end_s = (float(word) for word in note.split() if word[0].isdigit() and word[-1].isdigit() and "." in word)
    assert (note[:29], 0 < len(rows(out)) < 8) == ("note: window 'best 2' is " + note[25:29], True)
    assert all(start_s <= time < end_s for time, _ in rows(out))


def test_what_is_printed_can_be_a_beats_file_again(beats: Beats, song: Path, tmp_path: Path) -> None:
    _, first, _ = beats(song, "--tracker", "clicks", "--start-s", "2")
    (tmp_path / "again.beats").write_text(first, encoding="utf-8")
    _, again, _ = beats(song, "--tracker", "clicks", "--start-s", "2", "--beats-file", tmp_path / "again.beats")
    assert again == first


def test_beats_of_a_file_are_not_said_to_be_a_trackers(beats: Beats, song: Path, tmp_path: Path) -> None:
    (tmp_path / "known.beats").write_text("0.5\t1\n1.0\t2\n1.5\t1\n2.0\t2\n", encoding="utf-8")
    _, _, err = beats(song, "--tracker", "clicks", "--beats-file", tmp_path / "known.beats")
    assert err.strip().endswith("from known.beats")


def test_clicks_and_chart_are_written_and_nothing_else(
    beats: Beats, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    rc, _, err = beats(song, "--tracker", "clicks", "--click", "heard.wav", "--plot", "seen.png")
    assert rc == 0, err
    assert sorted(path.name for path in Path().iterdir()) == ["heard.wav", "seen.png"]
    assert soundfile.info("heard.wav").frames == soundfile.info(song).frames
    with Image.open("seen.png") as chart:
        assert chart.width > 1000


def test_silence_has_no_beats_and_says_so(beats: Beats, click_track: Callable[..., Path], tmp_path: Path) -> None:
    silence = click_track(tmp_path / "silence.wav", bpm=0)
    rc, out, err = beats(silence, "--tracker", "clicks", "--click", tmp_path / "c.wav", "--plot", tmp_path / "p.png")
    assert (rc, out) == (0, "")
    assert "note: the song is silent" in err
    assert (tmp_path / "p.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tracker", "librsa"], "tracker: 'librsa' is not known."),
        (["--tracker", "clicks", "--set", "tempo=3"], "tracker (clicks) setting: 'tempo' is not known."),
        (["--tracker", "clicks", "--click", "none/heard.wav"], "there is no folder none"),
        (["--tracker", "clicks", "--plot", "seen.gif"], "is written as PNG; name a file that ends in .png"),
        (["--tracker", "clicks", "--click", "song.wav"], "is read itself and would be lost"),
        (["--tracker", "clicks", "--window", "2"], "song: window '2' is none"),
        (["--tracker", "clicks", "--bpm", "5"], "song: bpm must be 20 to 400"),
        (["--tracker", "clicks", "--start-s", "20"], "has no sound after start_s=20"),
        (["--tracker", "clicks", "--beats-file", "none.beats"], "there is no such file"),
    ],
)
def test_a_mistake_is_one_sentence(
    beats: Beats, song: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(song.parent)
    before = song.read_bytes()
    rc, out, err = beats("song.wav", *arguments)
    assert (rc, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert song.read_bytes() == before


def test_a_missing_song_is_one_sentence(beats: Beats) -> None:
    rc, out, err = beats("nowhere.mp3", "--tracker", "clicks")
    assert (rc, out) == (1, "")
    assert "there is no such file" in err


FAILING = '''
from qmv.api import Tracker, plugin
from qmv.hookspecs import hookimpl


@plugin
class Failing(Tracker):
    """Raises."""

    name = "failing"

    def track(self, samples, rate_hz, hints):
        raise ZeroDivisionError("by zero")


@hookimpl
def qmv_trackers():
    return [Failing]
'''


def test_a_tracker_that_fails_is_one_sentence(beats: Beats, song: Path, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING, encoding="utf-8")
    rc, out, err = beats(song, "--file", tmp_path / "failing.py", "--tracker", "failing")
    assert (rc, out) == (1, "")
    assert "tracker (failing): failed unexpectedly (ZeroDivisionError: by zero)" in err


def test_a_reader_that_stops_is_no_error(clicks_plugin: Path, click_track: Callable[..., Path], tmp_path: Path) -> None:
    """More than a pipe holds, so that the command is still writing when its reader is gone."""
    known = tmp_path / "known.beats"
    known.write_text("".join(f"{0.012 * n:.6f}\t0\n" for n in range(1, 9000)), encoding="utf-8")
    song = click_track(tmp_path / "long.wav", bpm=0, seconds=110.0)
    command = [sys.executable, "-m", "qmv", "beats", str(song), "--beats-file", str(known), "--tracker", "clicks"]
    with subprocess.Popen(
        [*command, "--file", str(clicks_plugin)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "0.012000\t0\n"
        running.stdout.close()
        errors = running.stderr.read()
    assert "Broken" not in errors
    assert "Traceback" not in errors


def test_the_samples_between_clicks_are_the_songs(beats: Beats, song: Path, tmp_path: Path) -> None:
    beats(song, "--tracker", "clicks", "--click", tmp_path / "heard.wav")
    heard, _ = soundfile.read(tmp_path / "heard.wav")
    assert np.abs(heard).max() < 1
    assert np.abs(heard[: int(0.24 * 22050)]).max() == 0
