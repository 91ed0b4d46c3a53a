"""The command line as a user meets it: real processes and tiny videos."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from qmv.media.probe import probe
from tests.ended import finished_videos, manifests, refused

pytestmark = pytest.mark.slow

Run = Callable[..., Any]


# -- videos ----------------------------------------------------------------------------------------------------------


def test_run_prints_the_path_of_its_video_last(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli(f"song={song}", *quick)
    assert (ended.rc, [ended.video]) == (0, finished_videos(ended)), ended.stderr


def test_run_makes_a_video_of_the_size_rate_and_length_asked_for(
    run_cli: Run, song: Path, quick: tuple[str, str]
) -> None:
    found = probe(run_cli(f"song={song}", "fps=30000/1001", *quick).video)
    assert (found.width_px, found.height_px, found.fps, found.frames) == (64, 36, Fraction(30000, 1001), 90)
    assert (found.exact, found.bt709, found.faststart) == (True, True, True)
    assert abs(found.audio_duration_s - 3) < Fraction(1, 20)  # AAC's blocks are 46 ms at 22050 Hz


def test_run_with_librosa_cuts_on_the_clicks(run_cli: Run, click_track: Run, tmp_path: Path) -> None:
    song = click_track(tmp_path / "song.wav", bpm=120, seconds=6)
    ended = run_cli(f"song={song}", "graph=storyboard", "beats_per_image=2", "min_images=2")
    storyboard = json.loads(ended.found("artifacts/storyboard.json")[0].read_text(encoding="utf-8"))
    on_beats = [shot["start"] for shot in storyboard["shots"] if shot["beat"] is not None]
    assert on_beats
    assert all(min(abs(start - 24 * (0.25 + k / 2)) for k in range(12)) <= 1.5 for start in on_beats)  # in frames


def test_second_run_gives_the_same_bytes(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    first, second = run_cli(f"song={song}", *quick), run_cli(f"song={song}", *quick)
    assert first.video != second.video
    assert first.video.read_bytes() == second.video.read_bytes()


def delete(path: Path) -> None:
    path.unlink()


def change(path: Path) -> None:
    path.write_bytes(b"something else")


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        ("picture.png", delete),
        ("picture.png", change),
        ("chunk.mp4", delete),
        ("chunk.mp4", change),
        ("sound.mp4", change),
    ],
)
def test_spoiled_file_of_the_cache_is_made_again(
    run_cli: Run, song: Path, quick: tuple[str, str], file: str, spoil: Callable[[Path], None]
) -> None:
    first = run_cli(f"song={song}", *quick)
    as_it_was = first.video.read_bytes()
    first.video.unlink()  # a hard link, which `change` would reach through
    spoil(first.found(file)[0])
    first.found("video.mp4")[0].unlink()  # a whole video would be taken as it is
    again = run_cli(f"song={song}", *quick)
    assert again.rc == 0, again.stderr
    assert again.video.read_bytes() == as_it_was


def test_run_with_the_users_pictures(
    run_cli: Run, song: Path, quick: tuple[str, str], picture_folder: Run, tmp_path: Path
) -> None:
    folder = picture_folder(tmp_path / "my pictures")
    ended = run_cli(f"song={song}", "image=folder", f"image.path='{folder}'", *quick)
    assert (ended.rc, manifests(ended)[0]["pictures"]["asked"]) == (0, 8), ended.stderr


def test_experiment_with_an_effect_and_a_transition_makes_a_video(
    run_cli: Run, song: Path, quick: tuple[str, str]
) -> None:
    ended = run_cli(f"song={song}", "transition=crossfade", "+effect@effects.flash=flash", *quick)
    assert probe(ended.video).frames == 72


def test_dry_run_makes_no_video(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli(f"song={song}", "run.dry=true", *quick)
    assert (ended.rc, ended.found("*.mp4"), ended.found("*.png")) == (0, [], [])


def test_dry_run_tells_of_each_stage(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    lines = run_cli(f"song={song}", "run.dry=true", *quick).stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "beats",
        "storyboard",
        "pictures",
        "video",
        "proof",
        "handoff",
        "delivery",
    ]


def test_dry_run_is_planned_in_its_manifest(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    assert manifests(run_cli(f"song={song}", "run.dry=true", *quick))[0]["status"] == "planned"


def test_storyboard_graph_stops_before_pictures(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli(f"song={song}", "graph=storyboard", *quick)
    assert (ended.rc, ended.video.name, ended.found("*.png")) == (0, "storyboard.yaml", [])


# -- out of sync -----------------------------------------------------------------------------------------------------


LATE_PLUGIN = '''
from dataclasses import replace

from qmv.api import Context, plugin
from qmv.artifacts import Beats, Pictures, Song, Storyboard, Video
from qmv.hookspecs import hookimpl
from qmv.stages.assemble_video import AssembleVideo


@plugin
class Late(AssembleVideo):
    """Cuts a frame late."""

    name = "late"

    def run(self, ctx: Context, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures) -> Video:
        later = [shot.end + 1 for shot in storyboard.shots[:-1]]
        shots = [
            replace(shot, start=start, end=end)
            for shot, start, end in zip(storyboard.shots, [0, *later], [*later, storyboard.frames])
        ]
        plan = replace(storyboard, shots=tuple(shots))
        return super().run(ctx, song=song, beats=beats, storyboard=plan, pictures=pictures)


@hookimpl
def qmv_stages():
    return [Late]
'''


@pytest.fixture
def late(tmp_path: Path, song: Path, clicks_plugin: Path) -> tuple[str, ...]:
    """The overrides of a run whose video is a frame late at each cut."""
    (tmp_path / "late.py").write_text(LATE_PLUGIN, encoding="utf-8")
    plugins = f"plugins=[{clicks_plugin},{tmp_path / 'late.py'}]"
    return f"song={song}", plugins, "tracker=clicks", "stage@stages.video=late"


def test_video_out_of_sync_is_not_delivered_also_not_the_second_time(run_cli: Run, late: tuple[str, ...]) -> None:
    first, second = refused(run_cli(*late)), run_cli(*late)
    assert "7 cuts are off by more than half a frame, the worst is into shot 1: +1 frames (+41.7 ms)" in first
    assert refused(second) == first
    assert [[s["cached"] for s in m["stages"] if s["node"] == "proof"] for m in manifests(second)] == [[False], [True]]
    assert Path(first.partition(" and lies in ")[2].partition(";")[0]).is_file()


def test_video_out_of_sync_is_delivered_with_a_warning_where_that_is_wanted(
    run_cli: Run, late: tuple[str, ...]
) -> None:
    ended = run_cli(*late, "prove.on_fail=warn")
    assert (ended.rc, [ended.video]) == (0, finished_videos(ended)), ended.stderr
    assert "proof: the finished video is not what was planned: 7 cuts are off" in ended.stderr
    [found] = manifests(ended)
    assert (found["status"], found["sync"]["worst_frames"], len(found["sync"]["faults"])) == ("finished", 1.0, 1)


def test_video_in_sync_is_summed_up_on_the_terminal(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    last = run_cli(f"song={song}", *quick).stderr.strip().splitlines()[-1]
    assert last.endswith(": 7 cuts, worst 0 frames off, audio +0.0 ms, drift 0.0 ms")


# -- songs with little in them ---------------------------------------------------------------------------------------


SILENT = "the song is silent: pictures change on an even grid"
NO_BEAT = "no beat was heard: pictures change on an even grid"
TOO_SHORT = "the song is too short for 8 pictures at whole beats: they change evenly"

LITTLE = {  # bpm, seconds, frames, note
    "silence": (0, 2.0, 48, SILENT),
    "one beat": (20, 2.0, 48, NO_BEAT),
    "half a second of silence": (0, 0.5, 12, SILENT),
    "half a second with a beat": (120, 0.5, 12, NO_BEAT),
    "four beats": (120, 2.0, 48, TOO_SHORT),
}


@pytest.fixture(params=LITTLE.values(), ids=LITTLE.keys())
def little(
    request: pytest.FixtureRequest, run_cli: Run, click_track: Run, tmp_path: Path, quick: tuple[str, str]
) -> tuple[Any, int, str]:
    """A run with a song that has not enough beats; the frames and the note that are due."""
    bpm, seconds, frames, note = request.param
    ended = run_cli(f"song={click_track(tmp_path / 'little.wav', bpm=bpm, seconds=seconds)}", *quick)
    assert ended.rc == 0, ended.stderr
    return ended, frames, note


def test_song_without_enough_beats_changes_pictures_evenly(little: tuple[Any, int, str]) -> None:
    ended, frames, note = little
    storyboard = json.loads(ended.found("storyboard.json")[0].read_text(encoding="utf-8"))
    assert [shot["start"] for shot in storyboard["shots"]] == [k * frames // 8 for k in range(8)]
    assert (probe(ended.video).frames, manifests(ended)[0]["notes"][0]) == (frames, note)


# -- sweeps ----------------------------------------------------------------------------------------------------------


def test_sweep_gives_each_job_a_run_folder_of_its_own(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli("-m", f"song={song}", "style=neon,noir", "beats_per_image=2,4", *quick)
    assert (ended.rc, sorted(path.parent.name for path in ended.found("manifest.json"))) == (0, ["0", "1", "2", "3"])
    assert sorted(ended.stdout.split()) == [str(path) for path in finished_videos(ended)]
    assert {manifest["status"] for manifest in manifests(ended)} == {"finished"}


def test_sweep_goes_on_past_a_bad_job(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli("-m", f"song={song},missing.wav", "beats_per_image=2,4", *quick)
    assert (ended.rc, len(finished_videos(ended)), "Traceback" in ended.stderr) == (1, 2, False)
    assert [m["status"] for m in manifests(ended)] == ["finished", "finished", "failed", "failed"]
    assert [m["error"] is None or "missing.wav" in m["error"] for m in manifests(ended)] == [True] * 4


def test_sweep_tells_of_each_bad_job(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    ended = run_cli("-m", f"song={song}", "motion.zoom=0.1,7", *quick)
    told = [line for line in ended.stderr.splitlines() if line.startswith("[1] ") and "zoom must be" in line]
    assert (ended.rc, len(told), len(ended.errors)) == (1, 1, 1)


def test_sweep_with_an_unknown_name_makes_nothing(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    assert "style: 'nope' is not known" in refused(run_cli("-m", f"song={song}", "style=neon,nope", *quick))


@pytest.mark.parametrize("names", [("one", "two"), ("one", "two [live], ü")], ids=["plain", "as people name them"])
def test_sweep_over_a_folder_of_songs(
    run_cli: Run, click_track: Run, tmp_path: Path, quick: tuple[str, str], names: tuple[str, str]
) -> None:
    folder = tmp_path / "songs"
    for name in names:
        click_track(folder / f"{name}.wav", seconds=1)
    (folder / "cover.jpg").write_bytes(b"no song")
    ended = run_cli("-m", "song=glob(*)", f"songs_dir={folder}", "graph=storyboard", *quick)
    assert (ended.rc, [m["song"]["title"] for m in manifests(ended)]) == (0, list(names)), ended.stderr
