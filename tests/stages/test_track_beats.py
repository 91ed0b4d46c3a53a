"""From a song to beats, with a tracker that says what it is told."""

from __future__ import annotations

import contextlib
import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from qmv.api import Tracker, plugin
from qmv.artifacts import Beats, File, Hints, Song
from qmv.errors import InputError, PluginError, QmvError
from qmv.events import Event, Notice, Progress
from qmv.plugins.tracker.librosa import Librosa
from qmv.plugins.tracker.superflux import Superflux
from qmv.stages.track_beats import TrackBeats
from qmv.testing import StageContract, stage_context
from tests.media.helpers import chirps, song, write_sound


@plugin
class Told(Tracker):
    """Beats at given times."""

    name = "told"
    times: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        return Beats(
            times_s=self.times,
            bar_position=(0,) * len(self.times),
            tempo_bpm=120.0 if self.times else 0.0,
            confidence=1.0,
            duration_s=Fraction(1),  # wrong on purpose: the stage knows better
            notes=self.notes,
        )


@plugin
class Deaf(Tracker):
    """Must not be asked."""

    name = "deaf"

    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        raise AssertionError("silence was handed to the tracker")


@plugin
class Counts(Tracker):
    """Writes down what it is told, and hears the same beats at every call."""

    name = "counts"
    diary: str = ""

    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        with Path(self.diary).open("a", encoding="utf-8") as file:
            file.write(f"{len(samples)} {hints.tempo_range_bpm} {hints.beats_file}\n")
        return Told(times=(0.1, 0.4, 0.7, 1.0)).track(samples, rate_hz, hints)


@pytest.fixture
def tune(tmp_path: Path) -> Song:
    return song(write_sound(tmp_path / "tune.wav", chirps(1.3, 44100, 2), 44100, "pcm_s16le", "stereo"))


@pytest.fixture
def silence(tmp_path: Path) -> Song:
    return song(write_sound(tmp_path / "silence.wav", np.zeros((1, 44100), np.float32), 44100, "pcm_s16le", "mono"))


class TestTrackBeats(StageContract):
    plugin = TrackBeats(tracker=Told(times=(0.1, 0.6, 1.1)))

    @pytest.fixture
    def given(self, tune: Song) -> dict[str, Song]:
        return {"song": tune}


def test_track_beats_hands_on_what_the_tracker_hears(tune: Song, tmp_path: Path) -> None:
    beats = TrackBeats(tracker=Told(times=(0.1, 0.6))).run(stage_context(tmp_path), tune)
    assert (beats.times_s, beats.tempo_bpm) == ((0.1, 0.6), 120.0)


def test_track_beats_measures_the_duration_itself(tune: Song, tmp_path: Path) -> None:
    beats = TrackBeats(tracker=Told()).run(stage_context(tmp_path), tune)
    assert beats.duration_s == Fraction(13, 10)


def test_track_beats_does_not_ask_the_tracker_about_silence(silence: Song, tmp_path: Path) -> None:
    beats = TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), silence)
    assert (beats.times_s, beats.tempo_bpm, beats.duration_s) == ((), 0.0, 1)


@pytest.mark.parametrize(("times", "words"), [((), "no beat was heard"), ((0.5,), "no beat was heard")])
def test_track_beats_tells_that_no_beat_was_heard(
    tune: Song, tmp_path: Path, times: tuple[float, ...], words: str
) -> None:
    seen: list[Event] = []
    beats = TrackBeats(tracker=Told(times=times)).run(stage_context(tmp_path, publish=seen.append), tune)
    assert words in beats.notes[0]
    assert [event.message for event in seen if isinstance(event, Notice)] == list(beats.notes)


def test_track_beats_tells_between_which_tempi_no_beat_was_heard(tune: Song, tmp_path: Path) -> None:
    told = dataclasses.replace(tune, hints=Hints(tempo_range_bpm=(300, 390)))
    beats = TrackBeats(tracker=Told()).run(stage_context(tmp_path), told)
    assert any("no beat was heard from 300 to 390 a minute" in note for note in beats.notes)


def test_track_beats_tells_that_the_song_is_silent(silence: Song, tmp_path: Path) -> None:
    assert "silent" in TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), silence).notes[0]


def test_track_beats_keeps_a_note_of_the_tracker(tune: Song, tmp_path: Path) -> None:
    beats = TrackBeats(tracker=Told(notes=("too quiet",))).run(stage_context(tmp_path), tune)
    assert beats.notes == ("too quiet",)


def test_track_beats_counts_the_beats(tune: Song, tmp_path: Path) -> None:
    seen: list[Event] = []
    TrackBeats(tracker=Told(times=(0.1, 0.6))).run(stage_context(tmp_path, publish=seen.append), tune)
    [told] = [event for event in seen if isinstance(event, Progress)]
    assert (told.done, told.unit, told.detail) == (2, "beats", "120 a minute")


def test_track_beats_refuses_a_window_without_sound(tune: Song, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no sound after start_s=9"):
        TrackBeats(tracker=Told()).run(stage_context(tmp_path), song(tune.file.path, 9.0))


def test_track_beats_takes_a_song_with_samples_that_are_no_numbers(tmp_path: Path) -> None:
    samples = chirps(1.5, 22050)[0]
    samples[500] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 22050, subtype="FLOAT")
    with contextlib.suppress(QmvError):  # a sentence is fine, too
        TrackBeats(tracker=Librosa()).run(stage_context(tmp_path), song(tmp_path / "nan.wav"))


def test_track_beats_names_the_tracker_that_gives_rubbish(tune: Song, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"tracker \(told\): track\(\) must give numbers as times_s, got nan; mend"):
        TrackBeats(tracker=Told(times=(0.1, float("nan")))).run(stage_context(tmp_path), tune)


def test_track_beats_hears_no_beat_at_ten_samples_a_second(tmp_path: Path) -> None:
    slow = song(write_sound(tmp_path / "slow.wav", chirps(12, 10), 10, "pcm_s16le", "mono"))
    assert TrackBeats(tracker=Superflux()).run(stage_context(tmp_path), slow).times_s == ()


# -- windows ---------------------------------------------------------------------------------------------------------


def test_track_beats_asks_the_tracker_once_for_all_windows(tune: Song, tmp_path: Path) -> None:
    stage = TrackBeats(tracker=Counts(diary=str(tmp_path / "diary")))
    parts = [
        stage.run(stage_context(tmp_path), dataclasses.replace(tune, start_s=start_s, end_s=end_s))
        for start_s, end_s in ((0.0, None), (0.25, 1.0), (0.5, None))
    ]
    assert [beats.times_s for beats in parts] == [(0.1, 0.4, 0.7, 1.0), (0.15, 0.45), (0.2, 0.5)]
    assert (tmp_path / "diary").read_text(encoding="utf-8").splitlines() == ["57330 None None"]


def test_track_beats_measures_a_window_to_the_sample(tune: Song, tmp_path: Path) -> None:
    part = dataclasses.replace(tune, start_s=0.1, end_s=0.70001)
    assert TrackBeats(tracker=Told()).run(stage_context(tmp_path), part).duration_s == Fraction(30870 - 4410, 44100)


def test_track_beats_covers_a_window_that_begins_between_samples(tune: Song, tmp_path: Path) -> None:
    part = dataclasses.replace(tune, start_s=0.100008, end_s=0.700015)
    beats = TrackBeats(tracker=Told(times=(0.2, 0.5))).run(stage_context(tmp_path), part)
    assert (beats.sections[-1].end_s, beats.duration_s) == (float(beats.duration_s), Fraction(30871 - 4410, 44100))


def test_track_beats_tells_that_a_window_ends_after_the_song(tune: Song, tmp_path: Path) -> None:
    beats = TrackBeats(tracker=Told()).run(stage_context(tmp_path), dataclasses.replace(tune, start_s=0.5, end_s=99.0))
    assert "song.end_s=99: the song ends at " in beats.notes[-1]


def test_track_beats_tells_that_a_window_has_no_beat(tune: Song, tmp_path: Path) -> None:
    part = dataclasses.replace(tune, start_s=0.9)
    beats = TrackBeats(tracker=Told(times=(0.1, 0.3))).run(stage_context(tmp_path), part)
    assert (beats.times_s, "no beat was heard in this part" in beats.notes[0]) == ((), True)


def test_track_beats_makes_an_entry_of_another_form_anew(tune: Song, tmp_path: Path) -> None:
    stage, ctx = TrackBeats(tracker=Counts(diary=str(tmp_path / "diary"))), stage_context(tmp_path)
    first = stage.run(ctx, tune)
    [kept] = ctx.cache.root.glob("whole_beats/*/*/beats.json")
    kept.write_text("{}", encoding="utf-8")
    kept.with_name("sums.json").unlink()
    assert stage.run(ctx, tune) == first


# -- what the user knows ---------------------------------------------------------------------------------------------


def knowing(tune: Song, **hints: object) -> Song:
    return dataclasses.replace(tune, hints=Hints(**hints))  # type: ignore[arg-type]


def test_track_beats_takes_the_users_file_and_does_not_ask_the_tracker(tune: Song, tmp_path: Path) -> None:
    (tmp_path / "mine.beats").write_text("0.2\t1\n0.7\t2\n1.2\t1\n", encoding="utf-8")
    mine = knowing(tune, beats_file=File.of(tmp_path / "mine.beats"))
    beats = TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), mine)
    assert (beats.times_s, beats.bar_position, beats.confidence) == ((0.2, 0.7, 1.2), (1, 2, 1), 1.0)


def test_track_beats_takes_a_changed_file_anew(tune: Song, tmp_path: Path) -> None:
    for time in ("0.2", "0.3"):
        (tmp_path / "mine.beats").write_text(f"{time}\n0.7\n", encoding="utf-8")
        mine = knowing(tune, beats_file=File.of(tmp_path / "mine.beats"))
        beats = TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), mine)
    assert beats.times_s == (0.3, 0.7)


def test_track_beats_refuses_a_file_of_a_longer_song(tune: Song, tmp_path: Path) -> None:
    (tmp_path / "mine.beats").write_text("0.2\n9\n", encoding="utf-8")
    mine = knowing(tune, beats_file=File.of(tmp_path / "mine.beats"))
    with pytest.raises(InputError, match="line 2: 9 s is past the end"):
        TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), mine)


def test_track_beats_tells_the_tracker_a_tempo_as_a_range(tune: Song, tmp_path: Path) -> None:
    TrackBeats(tracker=Counts(diary=str(tmp_path / "diary"))).run(stage_context(tmp_path), knowing(tune, bpm=200.0))
    assert (tmp_path / "diary").read_text(encoding="utf-8").split(" ", 1)[1] == "(188.0, 212.0) None\n"


def test_track_beats_puts_downbeats_and_offset_over_what_is_heard(tune: Song, tmp_path: Path) -> None:
    told = knowing(tune, meter="3/4", downbeat_s=0.4, offset_s=0.02)
    beats = TrackBeats(tracker=Told(times=(0.1, 0.4, 0.7, 1.0))).run(stage_context(tmp_path), told)
    assert (beats.times_s, beats.bar_position) == ((0.12, 0.42, 0.72, 1.02), (3, 1, 2, 3))


def test_track_beats_lays_the_users_grid_over_silence(silence: Song, tmp_path: Path) -> None:
    told = knowing(silence, bpm=240.0, downbeat_s=0.125)
    assert TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), told).times_s == (0.125, 0.375, 0.625, 0.875)


def test_track_beats_counts_a_downbeat_from_the_start_of_the_file(tune: Song, tmp_path: Path) -> None:
    told = dataclasses.replace(knowing(tune, meter="4/4", downbeat_s=0.7), start_s=0.3)
    beats = TrackBeats(tracker=Told(times=(0.1, 0.4, 0.7, 1.0))).run(stage_context(tmp_path), told)
    assert (beats.times_s, beats.bar_position) == ((0.1, 0.4, 0.7), (4, 1, 2))
