"""The edit as FCPXML, which Final Cut Pro and DaVinci Resolve read.

Version 1.10 has all that is needed, and is read by Final Cut Pro 10.6 and Resolve 18 and later. Stills are assets of no
duration, shown by <video> from an hour on, as Final Cut Pro does it, so that there is picture on both sides of a cut.
The song is connected to the first of them and holds the marks of its beats, so they stay with the music; sections are
chapters of the pictures.
"""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from fractions import Fraction
from urllib.parse import quote

from qmv.handoff.edit import Clip, Edit, Mark, Sound
from qmv.handoff.names import plain

__all__ = ["fcpxml"]

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n'
_STILLS_FROM_S = 3600
_MOST = 2**31 - 1  # of a time's denominator
_DISSOLVE = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"  # Final Cut Pro's own Cross Dissolve
_SIZES = {(1280, 720): "720p", (1920, 1080): "1080p", (3840, 2160): "3840x2160p"}
_RATES = {
    Fraction(24000, 1001): "2398", Fraction(24): "24", Fraction(25): "25", Fraction(30000, 1001): "2997",
    Fraction(30): "30", Fraction(50): "50", Fraction(60000, 1001): "5994", Fraction(60): "60",
}  # fmt: skip
_AUDIO_RATES = {32000: "32k", 44100: "44.1k", 48000: "48k", 88200: "88.2k", 96000: "96k"}


def fcpxml(edit: Edit) -> str:
    """The project as text of an .fcpxml file; media are named relative to it, as Apple's reference allows."""
    root = ET.Element("fcpxml", version="1.10")
    ids = _resources(ET.SubElement(root, "resources"), edit)
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=plain(edit.title))
    sequence = ET.SubElement(
        ET.SubElement(event, "project", name=plain(edit.title)), "sequence",
        format=ids["format"], duration=_time(edit.frames / edit.fps), tcStart="0s", tcFormat="NDF",
        audioLayout="stereo", audioRate=_AUDIO_RATES.get(edit.sound.rate_hz, "48k"),
    )  # fmt: skip
    _fill(ET.SubElement(sequence, "spine"), edit, ids)
    ET.indent(root)
    return _HEAD + ET.tostring(root, encoding="unicode") + "\n"


# -- resources -------------------------------------------------------------------------------------------------------


def _resources(resources: ET.Element, edit: Edit) -> dict[str, str]:
    """Fills in formats, effect and assets; their ids by file, and by 'format' and 'dissolve'."""
    numbers, ids, stills = itertools.count(1), {}, {}

    def new(tag: str, **about: str) -> ET.Element:
        return ET.SubElement(resources, tag, {"id": f"r{next(numbers)}", **about})

    ids["format"] = new(
        "format", name=_format_name(edit), frameDuration=_time(1 / edit.fps), width=str(edit.width_px),
        height=str(edit.height_px), colorSpace="1-1-1 (Rec. 709)",
    ).attrib["id"]  # fmt: skip
    for size in dict.fromkeys((clip.picture.width_px, clip.picture.height_px) for clip in edit.clips):
        about = {"name": "FFVideoFormatRateUndefined", "width": str(size[0]), "height": str(size[1])}
        stills[size] = new("format", **about, colorSpace="1-13-1").attrib["id"]  # sRGB
    if any(clip.into for clip in edit.clips):
        ids["dissolve"] = new("effect", name="Cross Dissolve", uid=_DISSOLVE).attrib["id"]
    for clip in edit.clips:
        kind = stills[clip.picture.width_px, clip.picture.height_px]
        about = {"name": _stem(clip.file), "start": "0s", "duration": "0s", "hasVideo": "1", "format": kind}
        asset = new("asset", **about, videoSources="1")
        ids[clip.file] = _with_file(asset, clip.file)
    ids[edit.sound.file] = _with_file(new("asset", **_sound_asset(edit.sound)), edit.sound.file)
    return ids


def _sound_asset(sound: Sound) -> dict[str, str]:
    return {
        "name": plain(sound.name), "start": "0s", "duration": _time(Fraction(sound.length, sound.rate_hz)),
        "hasAudio": "1", "audioSources": "1", "audioChannels": str(sound.channels), "audioRate": str(sound.rate_hz),
    }  # fmt: skip


def _with_file(asset: ET.Element, file: str) -> str:
    ET.SubElement(asset, "media-rep", kind="original-media", src=f"./{quote(file)}")
    return asset.attrib["id"]


def _format_name(edit: Edit) -> str:
    size, rate = _SIZES.get((edit.width_px, edit.height_px)), _RATES.get(edit.fps)
    return f"FFVideoFormat{size}{rate}" if size and rate else "FFVideoFormatRateUndefined"


# -- the story -------------------------------------------------------------------------------------------------------


def _fill(spine: ET.Element, edit: Edit, ids: dict[str, str]) -> None:
    fps, base = edit.fps, Fraction(math.floor(_STILLS_FROM_S * edit.fps)) / edit.fps
    sections = list(edit.sections)[::-1]
    for clip in edit.clips:
        start, end = clip.shot.start, clip.shot.end
        if clip.into:
            spine.append(_dissolve(clip, fps, ids["dissolve"]))
        video = ET.SubElement(
            spine, "video", ref=ids[clip.file], offset=_time(start / fps), name=_stem(clip.file), start=_time(base),
            duration=_time(clip.shot.frames / fps),
        )  # fmt: skip
        ET.SubElement(video, "note").text = plain(clip.picture.prompt)
        if start == 0:
            video.append(_song(edit, ids[edit.sound.file], base))
        while sections and sections[-1].frame < end:
            mark = sections.pop()
            video.append(_marker("chapter-marker", mark, base + (mark.frame - start) / fps, fps))


def _dissolve(clip: Clip, fps: Fraction, effect: str) -> ET.Element:
    offset, duration = _time((clip.shot.start - clip.into) / fps), _time(2 * clip.into / fps)
    transition = ET.Element("transition", name="Cross Dissolve", offset=offset, duration=duration)
    ET.SubElement(transition, "filter-video", ref=effect, name="Cross Dissolve")
    return transition


def _song(edit: Edit, asset: str, offset: Fraction) -> ET.Element:
    sound, frames = edit.sound, edit.sound.frames(edit.fps)
    song = ET.Element(
        "asset-clip", ref=asset, lane="-1", offset=_time(offset), name=plain(sound.name), start=_time(sound.start_s),
        duration=_time(frames / edit.fps), audioRole="music",
    )  # fmt: skip
    song.extend(_beats(edit, frames))
    return song


def _beats(edit: Edit, frames: int) -> Iterator[ET.Element]:
    for mark in edit.beats:
        if mark.frame < frames:
            yield _marker("marker", mark, edit.sound.start_s + mark.frame / edit.fps, edit.fps)


def _marker(tag: str, mark: Mark, start: Fraction, fps: Fraction) -> ET.Element:
    note = "downbeat" if mark.strong else mark.note
    about = {"start": _time(start), "duration": _time(1 / fps), "value": mark.name}
    return ET.Element(tag, about | ({"note": note} if note else {}))


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0] or file


def _time(seconds: Fraction) -> str:
    """Exact, as '1001/24000s' or '5s'."""
    seconds = seconds.limit_denominator(_MOST)
    return f"{seconds}s"
