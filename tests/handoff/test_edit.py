"""What the timelines are written from: clips, song and marks in whole frames."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.artifacts import Section
from qmv.handoff.beat_sheet import beat_sheet
from qmv.handoff.edit import Sound, beat_marks, section_marks
from tests.handoff.edits import HZ, NTSC, an_edit, some_beats

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=30)
RATES = st.sampled_from([Fraction(24), NTSC, Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25, 2)])


@given(LENGTHS, RATES, st.floats(0, 3), st.data())
def test_clips_follow_each_other_and_fill_the_video(
    lengths: list[int], fps: Fraction, dissolve_s: float, data: st.DataObject
) -> None:
    most = len(lengths) - 1
    missing = data.draw(st.lists(st.integers(0, most), max_size=most, unique=True)) if most else []
    edit = an_edit(lengths, fps, dissolve_s=dissolve_s, missing=missing)
    place = 0
    for clip in edit.clips:
        assert clip.shot.start == place
        assert clip.into + clip.out <= clip.shot.frames
        place = clip.shot.end
    assert place == edit.frames == sum(lengths)
    assert (edit.clips[0].into, edit.clips[-1].out) == (0, 0)
    assert len({clip.file for clip in edit.clips}) == len(lengths) - len(missing)


def test_clip_keeps_the_number_of_its_shot_where_others_are_missing() -> None:
    edit = an_edit((24, 24, 24, 24), missing=(0, 2))
    assert [(clip.number, clip.file, clip.shot.start, clip.shot.end) for clip in edit.clips] == [
        (2, "pictures/002_chorus_wide_shot_a_lighthouse.png", 0, 72),
        (4, "pictures/004_chorus_wide_shot_a_lighthouse.png", 72, 96),
    ]


def test_beats_are_named_by_bar_and_beat() -> None:
    marks = beat_marks(some_beats(120), NTSC, 120)
    assert [mark.name for mark in marks[:7]] == ["0.4", "1.1", "1.2", "1.3", "1.4", "2.1", "2.2"]
    assert [mark.strong for mark in marks[:3]] == [False, True, False]


def test_beats_without_bars_are_named_by_their_number() -> None:
    marks = beat_marks(some_beats(96, meter=0), NTSC, 96)
    assert [mark.name for mark in marks[:2]] == ["beat 1", "beat 2"]
    assert not any(mark.strong for mark in marks)


def test_beat_that_rounds_to_the_frame_after_the_last_has_no_mark() -> None:
    beats = dataclasses.replace(some_beats(24, Fraction(24)), times_s=(0.5, 0.99), bar_position=(1, 2))
    assert [mark.frame for mark in beat_marks(beats, Fraction(24), 24)] == [12]


@given(st.integers(24, 5000), RATES)
def test_marks_of_sections_lie_in_the_video(frames: int, fps: Fraction) -> None:
    marks = section_marks(some_beats(frames, fps), fps, frames)
    assert all(0 <= mark.frame < mark.frame + mark.frames <= frames for mark in marks)


def test_section_shorter_than_a_frame_has_no_mark() -> None:
    sections = (Section(start_s=0.0, end_s=0.001, label="A", energy=0.0),)
    assert section_marks(dataclasses.replace(some_beats(48), sections=sections), NTSC, 48) == ()


@pytest.mark.parametrize(("samples", "frames"), [(HZ, 24), (HZ + 100, 24), (HZ - 1, 23), (10, 1)])
def test_sound_fills_whole_frames(samples: int, frames: int) -> None:
    sound = Sound(file="a", name="a", rate_hz=HZ, channels=2, first=0, samples=samples, length=samples)
    assert sound.frames(Fraction(24)) == frames


def test_beat_sheet_has_a_row_a_beat() -> None:
    rows = beat_sheet(some_beats(48, Fraction(24)), Fraction(24)).splitlines()
    assert rows == [
        "frame,time_s,bar,beat,section",
        "6,0.250000,0,4,verse",
        "18,0.750000,1,1,verse",
        "30,1.250000,1,2,chorus",
    ]
