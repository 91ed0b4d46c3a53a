"""From a song to beats, with a tracker that says what it is told."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from qmv.api import Tracker, plugin
from qmv.artifacts import Beats, Hints, Song
from qmv.errors import InputError, QmvError
from qmv.events import Event, Notice, Progress
from qmv.plugins.tracker.librosa import Librosa
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
            tempo_bpm=120.0,
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


def test_track_beats_tells_that_the_song_is_silent(silence: Song, tmp_path: Path) -> None:
    assert "silent" in TrackBeats(tracker=Deaf()).run(stage_context(tmp_path), silence).notes[0]


def test_track_beats_keeps_a_note_of_the_tracker(tune: Song, tmp_path: Path) -> None:
    beats = TrackBeats(tracker=Told(notes=("too quiet",))).run(stage_context(tmp_path), tune)
    assert beats.notes == ("too quiet",)


def test_track_beats_counts_the_beats(tune: Song, tmp_path: Path) -> None:
    seen: list[Event] = []
    TrackBeats(tracker=Told(times=(0.1, 0.6))).run(stage_context(tmp_path, publish=seen.append), tune)
    assert [(event.done, event.unit) for event in seen if isinstance(event, Progress)] == [(2, "beats")]


def test_track_beats_refuses_a_window_without_sound(tune: Song, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no sound after start_s=9"):
        TrackBeats(tracker=Told()).run(stage_context(tmp_path), song(tune.file.path, 9.0))


def test_track_beats_takes_a_song_with_samples_that_are_no_numbers(tmp_path: Path) -> None:
    samples = chirps(1.5, 22050)[0]
    samples[500] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 22050, subtype="FLOAT")
    with contextlib.suppress(QmvError):  # a sentence is fine, too
        TrackBeats(tracker=Librosa()).run(stage_context(tmp_path), song(tmp_path / "nan.wav"))
