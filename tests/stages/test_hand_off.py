"""The folder for video editors: real pictures and songs, and files that the editors' own readers take."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest

from qmv.artifacts import Beats, File, Pictures, Song
from qmv.events import Event, Notice
from qmv.media.lyrics import read
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.plugins.transition.wipe import Wipe
from qmv.stages.hand_off import HandOffEdit
from qmv.testing import StageContract
from tests.stages.handing import Inputs, handed, there, to_hand_on
from tests.stages.helpers import board


@pytest.fixture
def given(tmp_path: Path, click_track: Callable[..., Path]) -> Inputs:
    return to_hand_on(tmp_path, click_track)


class TestHandOff(StageContract):
    @pytest.fixture
    def plugin(self) -> HandOffEdit:
        return HandOffEdit(transition=Cut())

    @pytest.fixture
    def given(self, given: Inputs) -> Inputs:
        return given


def test_folder_holds_pictures_media_timelines_and_captions(tmp_path: Path, given: Inputs) -> None:
    made = handed(tmp_path, given)
    assert made.folder == tmp_path / "handoff"
    assert list(made.files) == there(made)
    assert list(made.files) == [
        "beats.csv", "captions.srt", "captions.vtt", "lyrics.lrc",
        "pictures/001_a_wide_shot_a_lighthouse.png",
        "pictures/002_a_wide_shot_a_lighthouse.png",
        "pictures/003_a_wide_shot_a_lighthouse.png",
        "song.wav", "timeline.fcpxml", "timeline.otio", "video.mp4",
    ]  # fmt: skip


def test_media_are_hard_links_and_with_copy_are_none(tmp_path: Path, given: Inputs) -> None:
    pictures = given["pictures"]
    assert isinstance(pictures, Pictures)
    name = "pictures/001_a_wide_shot_a_lighthouse.png"
    source = pictures.pictures[0].file.path
    assert (handed(tmp_path / "links", given).folder / name).samefile(source)
    copied = handed(tmp_path / "copies", given, HandOffEdit(transition=Cut(), copy=True)).folder / name
    assert not copied.samefile(source)
    assert copied.read_bytes() == source.read_bytes()


def test_media_are_copied_where_links_cannot_be(tmp_path: Path, given: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    made = handed(tmp_path, given)
    assert (made.folder / "video.mp4").read_bytes() == b"a video"
    assert list(made.files) == there(made)


def test_song_that_is_a_symbolic_link_is_handed_on_as_a_file(tmp_path: Path, given: Inputs) -> None:
    song = given["song"]
    assert isinstance(song, Song)
    link = tmp_path / "link.wav"
    link.symlink_to(song.file.path)
    made = handed(tmp_path, given | {"song": dataclasses.replace(song, file=File.of(link))})
    assert not (made.folder / "song.wav").is_symlink()
    assert (made.folder / "song.wav").read_bytes() == song.file.path.read_bytes()


def test_every_link_in_a_timeline_leads_to_a_file(tmp_path: Path, given: Inputs) -> None:
    folder = handed(tmp_path, given, HandOffEdit(transition=Crossfade())).folder
    root = ET.fromstring((folder / "timeline.fcpxml").read_bytes())
    found = [found.attrib["src"] for found in root.iter("media-rep")]
    assert len(found) == 4
    assert all(src.startswith("./") and (folder / unquote(src)).is_file() for src in found)
    timeline = otio.adapters.read_from_file(str(folder / "timeline.otio"))
    urls = [clip.media_reference.target_url for clip in timeline.find_clips()]
    assert len(urls) == 4
    assert all((folder / unquote(url)).is_file() for url in urls)


def test_shot_without_a_picture_leaves_its_time_to_the_one_before(tmp_path: Path, given: Inputs) -> None:
    pictures = given["pictures"]
    assert isinstance(pictures, Pictures)
    left = dataclasses.replace(pictures, pictures=(pictures.pictures[0], pictures.pictures[2]), missing=(1,))
    folder = handed(tmp_path, given | {"pictures": left}).folder
    assert [path.name[:3] for path in sorted((folder / "pictures").iterdir())] == ["001", "003"]
    assert (folder / "pictures/003_a_wide_shot_a_lighthouse.png").samefile(pictures.pictures[2].file.path)
    [track] = otio.adapters.read_from_file(str(folder / "timeline.otio")).video_tracks()
    assert [clip.duration().value for clip in track] == [36, 36]


def test_crossfade_is_told_and_nothing_is_said(tmp_path: Path, given: Inputs) -> None:
    heard: list[Event] = []
    folder = handed(tmp_path, given, HandOffEdit(transition=Crossfade(duration_s=0.25)), heard).folder
    [track] = otio.adapters.read_from_file(str(folder / "timeline.otio")).video_tracks()
    assert [item.in_offset.value for item in track if isinstance(item, otio.schema.Transition)] == [3, 3]
    assert not [event for event in heard if isinstance(event, Notice)]


def test_transition_that_is_no_dissolve_becomes_a_cut_and_the_user_hears_of_it(tmp_path: Path, given: Inputs) -> None:
    heard: list[Event] = []
    folder = handed(tmp_path, given, HandOffEdit(transition=Wipe()), heard).folder
    timeline = otio.adapters.read_from_file(str(folder / "timeline.otio"))
    assert not any(isinstance(item, otio.schema.Transition) for item in timeline.video_tracks()[0])
    assert timeline.metadata["qmv"]["transition"] == "wipe"
    assert "the transition wipe is no dissolve" in "".join(e.message for e in heard if isinstance(e, Notice))


def test_window_of_a_song_is_heard_from_its_own_sample(tmp_path: Path, given: Inputs) -> None:
    song, beats = given["song"], given["beats"]
    assert isinstance(song, Song)
    assert isinstance(beats, Beats)
    window = dataclasses.replace(song, start_s=1.01, end_s=2.01)
    short = dataclasses.replace(beats, times_s=(0.24, 0.74), bar_position=(3, 4), duration_s=Fraction(1))
    inputs = given | {"song": window, "beats": short, "storyboard": board([12, 12])}
    pictures = given["pictures"]
    assert isinstance(pictures, Pictures)
    inputs["pictures"] = dataclasses.replace(pictures, pictures=pictures.pictures[:2])
    folder = handed(tmp_path, inputs).folder
    root = ET.fromstring((folder / "timeline.fcpxml").read_bytes())
    found, asset = root.find(".//asset-clip"), root.find("resources/asset[@hasAudio]")
    assert found is not None
    assert asset is not None
    start, duration = (Fraction(found.attrib[name].removesuffix("s")) for name in ("start", "duration"))
    assert (start, duration) == (Fraction(round(1.01 * 22050), 22050), 1)
    assert asset.attrib["duration"] == "3s"  # of the whole file, so that the editor may go on
    assert [(line.start_s, line.text) for line in read(folder / "lyrics.lrc")] == [
        (0.0, "Rails & rain"),
        (0.99, "lights"),
        (1.0, ""),
    ]


def test_song_without_beats_or_lyrics_has_no_files_of_them(tmp_path: Path, given: Inputs) -> None:
    song, beats = given["song"], given["beats"]
    assert isinstance(song, Song)
    assert isinstance(beats, Beats)
    handed(tmp_path, given)
    bare = {
        "song": dataclasses.replace(song, lyrics=()),
        "beats": dataclasses.replace(beats, times_s=(), bar_position=()),
    }
    made = handed(tmp_path, given | bare)
    assert {"beats.csv", "captions.srt", "captions.vtt", "lyrics.lrc"}.isdisjoint(there(made))
    assert list(made.files) == there(made)
