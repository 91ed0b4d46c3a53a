"""FCPXML files: the part of Apple's content model that they use, and times that are exact."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.handoff.edit import Edit
from qmv.handoff.fcpxml import fcpxml
from tests.handoff.edits import HZ, NTSC, an_edit, some_beats

# what each element may hold, in this order, and which attributes: those that must be there, those that may
MODEL = {
    "fcpxml": ("resources library", "version", ""),
    "resources": ("format* effect* format* asset*", "", ""),
    "format": ("", "id", "name frameDuration width height colorSpace"),
    "effect": ("", "id uid", "name"),
    "asset": (
        "media-rep",
        "id",
        "name start duration hasVideo format videoSources hasAudio audioSources audioChannels audioRate",
    ),
    "media-rep": ("", "src", "kind"),
    "library": ("event", "", ""),
    "event": ("project", "", "name"),
    "project": ("sequence", "", "name"),
    "sequence": ("spine", "format", "duration tcStart tcFormat audioLayout audioRate"),
    "video": ("note asset-clip? chapter-marker*", "ref duration", "offset name start"),
    "note": ("", "", ""),
    "asset-clip": ("marker*", "ref", "lane offset name start duration audioRole"),
    "transition": ("filter-video", "duration", "name offset"),
    "filter-video": ("", "ref", "name"),
    "marker": ("", "start value", "duration note"),
    "chapter-marker": ("", "start value", "duration note"),
}
RATES = [NTSC, Fraction(24), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25, 2)]


def read(edit: Edit) -> ET.Element:
    text = fcpxml(edit)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    return ET.fromstring(text.encode())


def seconds(element: ET.Element, name: str) -> Fraction:
    text = element.attrib[name]
    assert re.fullmatch(r"\d+(/\d+)?s", text)
    found = Fraction(text.removesuffix("s"))
    assert found.denominator < 2**32
    assert found.numerator < 2**63
    return found


def keeps_to_the_model(element: ET.Element) -> None:
    if element.tag == "spine":
        assert {child.tag for child in element} <= {"video", "transition"}
    else:
        children, needed, allowed = MODEL[element.tag]
        order = "".join(f"(?:{name.rstrip('*?')} ){name[-1] if name[-1] in '*?' else ''}" for name in children.split())
        assert re.fullmatch(order, "".join(f"{child.tag} " for child in element)), element.tag
        assert set(needed.split()) <= set(element.attrib) <= {*needed.split(), *allowed.split()}, element.tag
    for child in element:
        keeps_to_the_model(child)


@pytest.mark.parametrize("dissolve_s", [0.0, 0.5])
@pytest.mark.parametrize("lengths", [(90,), (48, 24, 24), (4,) * 500], ids=["1", "3", "500"])
def test_file_keeps_to_the_content_model(lengths: tuple[int, ...], dissolve_s: float) -> None:
    keeps_to_the_model(read(an_edit(lengths, dissolve_s=dissolve_s, first=777)))


@pytest.mark.parametrize("dissolve_s", [0.0, 0.5])
def test_every_reference_names_a_resource_of_its_kind(dissolve_s: float) -> None:
    root = read(an_edit(dissolve_s=dissolve_s))
    kinds = {resource.attrib["id"]: resource.tag for resource in root.iterfind("resources/*")}
    assert len(kinds) == len(root.findall("resources/*"))
    for element in root.iter():
        if "ref" in element.attrib:
            assert kinds[element.attrib["ref"]] == ("effect" if element.tag == "filter-video" else "asset")
        if "format" in element.attrib:
            assert kinds[element.attrib["format"]] == "format"


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=20), st.sampled_from(RATES), st.integers(0, 10**7))
def test_story_lies_on_the_grid_of_frames_and_fills_the_video(lengths: list[int], fps: Fraction, first: int) -> None:
    root = read(an_edit(lengths, fps, first=first, dissolve_s=0.4))
    place = Fraction(0)
    for element in root.iterfind(".//spine/*"):
        offset, duration = seconds(element, "offset") * fps, seconds(element, "duration") * fps
        assert (offset.denominator, duration.denominator) == (1, 1)
        if element.tag == "transition":
            assert offset + duration / 2 == place
            continue
        assert offset == place
        assert (seconds(element, "start") * fps).denominator == 1
        place += duration
    assert place == sum(lengths) == seconds(root.find(".//sequence"), "duration") * fps  # type: ignore[arg-type]


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_frame_rate_is_exact(fps: Fraction) -> None:
    assert seconds(read(an_edit(fps=fps)).find("resources/format"), "frameDuration") == 1 / fps  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "fps", "name"),
    [
        ((1920, 1080), NTSC, "FFVideoFormat1080p2398"),
        ((1280, 720), Fraction(60000, 1001), "FFVideoFormat720p5994"),
        ((1080, 1920), Fraction(24), "FFVideoFormatRateUndefined"),
        ((1920, 1080), Fraction(12), "FFVideoFormatRateUndefined"),
    ],
)
def test_formats_that_apple_names_have_their_name(size: tuple[int, int], fps: Fraction, name: str) -> None:
    found = read(an_edit(fps=fps, size=size)).find("resources/format")
    assert found is not None
    assert (found.attrib["name"], found.attrib["width"], found.attrib["height"]) == (name, str(size[0]), str(size[1]))


def test_stills_have_no_duration_and_no_frame_rate() -> None:
    root = read(an_edit())
    formats = {found.attrib["id"]: found for found in root.iterfind("resources/format")}
    stills = [asset for asset in root.iterfind("resources/asset") if "hasVideo" in asset.attrib]
    assert [asset.attrib["duration"] for asset in stills] == ["0s"] * 3
    assert not any("frameDuration" in formats[asset.attrib["format"]].attrib for asset in stills)


@pytest.mark.parametrize("first", [0, 12_345])
def test_song_is_connected_to_the_first_picture_from_its_sample_on(first: int) -> None:
    root = read(an_edit(first=first))
    video = root.find(".//video")
    song = root.find(".//asset-clip")
    assert video is not None
    assert song is not None
    assert song in list(video)
    assert int(song.attrib["lane"]) < 0
    assert seconds(song, "offset") == seconds(video, "start")
    assert seconds(song, "start") == Fraction(first, HZ)
    asset = root.find(f"resources/asset[@id='{song.attrib['ref']}']")
    assert asset is not None
    assert seconds(song, "start") + seconds(song, "duration") <= seconds(asset, "duration")


@pytest.mark.parametrize("first", [0, 12_345])
def test_beats_are_marks_of_the_song(first: int) -> None:
    song = read(an_edit(first=first)).find(".//asset-clip")
    assert song is not None
    frames = [(seconds(mark, "start") - seconds(song, "start")) * NTSC for mark in song]
    assert frames[:3] == [6, 18, 30]
    assert all(0 <= frame < seconds(song, "duration") * NTSC for frame in frames)
    assert [(mark.attrib["value"], mark.get("note")) for mark in song][:2] == [("0.4", None), ("1.1", "downbeat")]


def test_sections_are_chapters_of_the_pictures_that_they_begin_in() -> None:
    root = read(an_edit((40, 20, 36)))
    found = []
    for video in root.iterfind(".//video"):
        for mark in video.iterfind("chapter-marker"):
            at = seconds(video, "offset") + seconds(mark, "start") - seconds(video, "start")
            assert seconds(video, "offset") <= at < seconds(video, "offset") + seconds(video, "duration")
            found.append((mark.attrib["value"], at * NTSC))
    assert found == [("verse", 0), ("chorus", 48)]


def test_song_without_beats_has_no_marks() -> None:
    assert read(an_edit(beats=some_beats(96, count=0))).findall(".//marker") == []


@pytest.mark.parametrize("title", ['Night & "Train" <3', "日本 🎵", "a\x00b\udc80c\n", ""])
def test_titles_of_any_signs(title: str) -> None:
    keeps_to_the_model(read(an_edit(title=title)))
