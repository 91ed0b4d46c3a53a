"""`window: best N` is chosen by the whole song's beats, once, before the stages that read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from qmv.analysis.crop import cropped
from qmv.api import Context, Stage, plugin, setting
from qmv.artifacts import Beats, Song, Storyboard
from qmv.engine.config.job import Job
from qmv.engine.config.schema import RunSettings, SongSettings
from qmv.engine.manifest import Manifest
from qmv.engine.registry import Registry
from qmv.engine.runner import Run
from qmv.errors import ConfigError
from qmv.testing.things import style

WHOLE = Beats(
    times_s=tuple(0.25 + 0.5 * beat for beat in range(40)),
    bar_position=tuple(beat % 4 + 1 for beat in range(40)),
    tempo_bpm=120.0,
    confidence=1.0,
    duration_s=Fraction(20),
    energy=(0.1,) * 20 + (0.9,) * 12 + (0.2,) * 8,  # loud from 10 to 16 s
    notes=("so",),
)


@plugin
class Listen(Stage):
    """Hears WHOLE, and writes down which window it is asked for."""

    name = "listen"
    diary: str = setting("where each run is written down", default="", keyed=False)

    def run(self, ctx: Context, song: Song) -> Beats:
        with Path(self.diary).open("a", encoding="utf-8") as file:
            file.write(f"{song.start_s:g} {song.end_s}\n")
        return cropped(WHOLE, song.start_s, song.end_s or WHOLE.duration_s)


@plugin
class Plan(Stage):
    """Reads the song as well as the beats."""

    name = "plan"

    def run(self, ctx: Context, song: Song, beats: Beats) -> Storyboard:
        assert (song.end_s or 20) - song.start_s == pytest.approx(float(beats.duration_s))
        return Storyboard(fps=Fraction(24), frames=24, shots=())


@pytest.fixture
def prepared(tmp_path: Path, click_track: Callable[..., Path]) -> Callable[..., Run]:
    """A run over a song of 20 s; `diary` in its folder tells what was asked of the beats' stage."""
    path = click_track(tmp_path / "song.wav", seconds=20)

    def prepare(stages: dict[str, Stage] | None = None, **song: Any) -> Run:
        folder = tmp_path / f"run {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        job = Job(
            stages=stages or {"beats": Listen(diary=str(tmp_path / "diary")), "storyboard": Plan()},
            song=SongSettings(path=str(path), **song),
            style=style(),
            run=RunSettings(workers=1),
            outputs=str(tmp_path / "outputs"),
        )
        return Run(job=job, folder=folder, registry=Registry(), manifest=Manifest())

    return prepare


def diary(run: Run) -> list[str]:
    return (run.folder.parent / "diary").read_text(encoding="utf-8").splitlines()


def test_window_is_the_loudest_bars(prepared: Callable[..., Run]) -> None:
    run = prepared(window="best 6")
    run.execute()
    assert diary(run) == ["0 None", "10.25 16.25"]
    assert run.values["beats"].times_s == tuple(0.5 * beat for beat in range(12))  # type: ignore[attr-defined]


def test_window_is_told_in_the_manifest(prepared: Callable[..., Run]) -> None:
    run = prepared(window="best 6")
    run.execute()
    found = json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))
    song = found["song"]
    assert (song["start_s"], song["end_s"], song["window"]) == (10.25, 16.25, "best 6")
    assert found["notes"] == ["window 'best 6' is 10.250 to 16.250 s of the song (6.000 s, from bar to bar)", "so"]
    assert [stage["node"] for stage in found["stages"]] == ["beats", "storyboard"]


def test_what_is_said_of_the_beats_is_told_in_the_manifest(prepared: Callable[..., Run]) -> None:
    run = prepared(bpm=118.0, meter="3/4", tempo_range=[90.0, 140.0])
    run.execute()
    song = json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["song"]
    told = {"bpm": 118.0, "meter": "3/4", "tempo_range": [90.0, 140.0]}
    assert song == {name: song[name] for name in ("path", "sha256", "title", "artist", "start_s", "end_s")} | told


def test_window_is_told_to_whoever_watches(prepared: Callable[..., Run]) -> None:
    run = prepared(window="best 6")
    run.execute()
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [event["message"][:29] for event in events if event["event"] == "Notice"] == [
        "window 'best 6' is 10.250 to "
    ]
    assert events[0]["event"] == "RunStarted"


def test_window_is_told_in_a_dry_run(prepared: Callable[..., Run]) -> None:
    lines = prepared(window="best 6").forecast()
    assert lines[0].startswith("song: window 'best 6' is 10.250 to 16.250 s")
    assert [line.partition(" ")[0] for line in lines[1:]] == ["beats", "storyboard"]


def test_other_window_listens_to_the_whole_song_no_more(prepared: Callable[..., Run]) -> None:
    runs = [prepared(window=f"best {seconds}") for seconds in (6, 4, 6)]
    for run in runs:
        run.execute()
    assert diary(runs[0]) == ["0 None", "10.25 16.25", "10.25 14.25"]


def test_window_without_beats_in_the_graph_is_refused(prepared: Callable[..., Run]) -> None:
    @plugin
    class Idle(Stage):
        """Makes no beats."""

        name = "idle"

        def run(self, ctx: Context, song: Song) -> Storyboard:
            return Storyboard(fps=Fraction(24), frames=24, shots=())

    with pytest.raises(ConfigError, match="no stage of the graph makes Beats"):
        prepared({"storyboard": Idle()}, window="best 6").execute()
