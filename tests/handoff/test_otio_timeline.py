"""OTIO files, read back by the library itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.handoff.edit import Edit
from qmv.handoff.otio_timeline import otio_json
from tests.handoff.edits import HZ, NTSC, an_edit, some_beats


def again(edit: Edit) -> otio.schema.Timeline:
    return otio.adapters.read_from_string(otio_json(edit), "otio_json")


def in_frames(time: otio.opentime.RationalTime, fps: Fraction) -> float:
    assert Fraction(time.rate).limit_denominator(1001) == fps
    return time.value


@pytest.mark.parametrize(
    "fps", [NTSC, Fraction(24), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25, 2)], ids=str
)
@pytest.mark.parametrize("lengths", [(90,), (48, 24, 24), (4,) * 500], ids=["1", "3", "500"])
def test_clips_are_cut_on_the_frames_of_the_video(fps: Fraction, lengths: tuple[int, ...]) -> None:
    timeline = again(an_edit(lengths, fps))
    [track] = timeline.video_tracks()
    assert [in_frames(clip.duration(), fps) for clip in track] == list(lengths)
    assert in_frames(track.duration(), fps) == sum(lengths)
    assert timeline.metadata["qmv"]["fps"] == str(fps)


def test_clip_tells_where_its_picture_is_and_what_it_was_made_of() -> None:
    clip: Any = again(an_edit()).video_tracks()[0][1]
    assert clip.name == "002_chorus_wide_shot_a_lighthouse.png"
    assert clip.media_reference.target_url == "pictures/002_chorus_wide_shot_a_lighthouse.png"
    assert dict(clip.metadata["qmv"]) == {
        "shot": 2, "prompt": "picture 1", "negative_prompt": "text", "seed": 101, "provider": "canvas",
        "section": "chorus", "lyric": "over the rails",
    }  # fmt: skip


def test_crossfades_are_dissolves_around_the_cut() -> None:
    [track] = again(an_edit((48, 24, 10), dissolve_s=0.5)).video_tracks()
    dissolves = [item for item in track if isinstance(item, otio.schema.Transition)]
    assert [(d.transition_type, d.in_offset.value, d.out_offset.value) for d in dissolves] == [
        ("SMPTE_Dissolve", 6, 6),
        ("SMPTE_Dissolve", 5, 5),
    ]
    assert track.duration().value == 82


@settings(deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=12), st.floats(0, 2))
def test_media_reach_as_far_as_the_dissolves_do(lengths: list[int], dissolve_s: float) -> None:
    [track] = again(an_edit(lengths, dissolve_s=dissolve_s)).video_tracks()
    for clip in track.find_clips():
        whole = clip.available_range()
        before, after = (0 if handle is None else handle.value for handle in track.handles_of_child(clip))
        assert clip.source_range.start_time.value == before
        assert whole.duration.value == before + clip.source_range.duration.value + after


def test_song_begins_with_the_sample_of_its_window() -> None:
    edit = an_edit(first=12_345)
    [track] = again(edit).audio_tracks()
    [song] = track
    assert song.media_reference.target_url == "song.flac"
    assert song.source_range.start_time.to_seconds() == pytest.approx(12_345 / HZ, abs=1e-9)
    assert song.source_range.duration.value in (95, 96)
    assert song.available_range().end_time_exclusive() >= song.source_range.end_time_exclusive()


def test_beats_and_sections_are_marks_of_the_timeline() -> None:
    marks = again(an_edit()).tracks.markers
    sections, beats = [m for m in marks if m.color == "PURPLE"], [m for m in marks if m.color in {"RED", "CYAN"}]
    assert [(m.name, m.marked_range.start_time.value, m.marked_range.duration.value) for m in sections] == [
        ("verse", 0, 48),
        ("chorus", 48, 48),
    ]
    assert [(m.name, m.color, m.marked_range.start_time.value) for m in beats[:3]] == [
        ("0.4", "CYAN", 6),
        ("1.1", "RED", 18),
        ("1.2", "CYAN", 30),
    ]
    assert len(marks) == len(sections) + len(beats)


def test_song_without_beats_has_no_marks_of_beats() -> None:
    marks = again(an_edit(beats=some_beats(96, count=0))).tracks.markers
    assert [mark.name for mark in marks] == ["verse", "chorus"]


@pytest.mark.parametrize("title", ['Night & "Train" <3', "日本 🎵", "a\x00b\udc80c\n", ""])
def test_titles_of_any_signs(title: str) -> None:
    text = otio_json(an_edit(title=title))
    assert text.encode()
    assert otio.adapters.read_from_string(text, "otio_json").video_tracks()
