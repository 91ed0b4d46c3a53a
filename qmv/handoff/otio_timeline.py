"""The edit as OpenTimelineIO, which Resolve, Premiere, Kdenlive and others read.

Marks lie on the timeline itself, where editors show them whatever becomes of the clips below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qmv.handoff.edit import Clip, Edit, Mark
from qmv.handoff.names import plain

if TYPE_CHECKING:
    import opentimelineio as otio

__all__ = ["otio_json"]


def otio_json(edit: Edit) -> str:
    """The timeline as text of an .otio file; media are named relative to it."""
    import opentimelineio as otio

    timeline = otio.schema.Timeline(plain(edit.title))
    timeline.global_start_time = _time(edit, 0)
    timeline.metadata["qmv"] = {
        "title": plain(edit.title),
        "artist": plain(edit.artist),
        "fps": str(edit.fps),  # a rate is a float in OTIO
        "frames": edit.frames,
        "width_px": edit.width_px,
        "height_px": edit.height_px,
        "transition": edit.transition,
    }
    timeline.tracks.append(_pictures(edit))
    timeline.tracks.append(_song(edit))
    marks = [_marker(edit, mark, otio.schema.MarkerColor.PURPLE) for mark in edit.sections]
    colours = {True: otio.schema.MarkerColor.RED, False: otio.schema.MarkerColor.CYAN}
    marks += [_marker(edit, mark, colours[mark.strong]) for mark in edit.beats]
    timeline.tracks.markers.extend(marks)
    return str(timeline.to_json_string(indent=1)) + "\n"


def _pictures(edit: Edit) -> otio.schema.Track:
    import opentimelineio as otio

    track = otio.schema.Track("Pictures", kind=otio.schema.TrackKind.Video)
    for clip in edit.clips:
        if clip.into:
            half = _time(edit, clip.into)
            kind = otio.schema.Transition.Type.SMPTE_Dissolve
            track.append(otio.schema.Transition("Cross Dissolve", kind, in_offset=half, out_offset=half))
        whole = _range(edit, 0, clip.into + clip.shot.frames + clip.out)  # of a still there is as much as is wanted
        track.append(
            otio.schema.Clip(
                clip.file.rpartition("/")[2],
                media_reference=otio.schema.ExternalReference(target_url=quote(clip.file), available_range=whole),
                source_range=_range(edit, clip.into, clip.shot.frames),
                metadata={"qmv": _about(clip)},
            )
        )
    return track


def _about(clip: Clip) -> dict[str, Any]:
    return {
        "shot": clip.number,
        "prompt": plain(clip.picture.prompt),
        "negative_prompt": plain(clip.shot.negative_prompt),
        "seed": clip.picture.seed,
        "provider": plain(clip.picture.provider),
        "section": plain(clip.shot.section),
        "lyric": plain(clip.shot.lyric),
    }


def _song(edit: Edit) -> otio.schema.Track:
    """The song from the sample at which its window begins, which need not be a frame's."""
    import opentimelineio as otio

    sound = edit.sound
    start, length = (float(part * edit.fps / sound.rate_hz) for part in (sound.first, sound.length))
    track = otio.schema.Track("Song", kind=otio.schema.TrackKind.Audio)
    track.append(
        otio.schema.Clip(
            plain(sound.name),
            media_reference=otio.schema.ExternalReference(
                target_url=quote(sound.file), available_range=_range(edit, 0, length)
            ),
            source_range=_range(edit, start, sound.frames(edit.fps)),
        )
    )
    return track


def _marker(edit: Edit, mark: Mark, colour: str) -> otio.schema.Marker:
    import opentimelineio as otio

    return otio.schema.Marker(mark.name, _range(edit, mark.frame, mark.frames), colour, comment=mark.note)


def _time(edit: Edit, frames: float) -> otio.opentime.RationalTime:
    import opentimelineio as otio

    return otio.opentime.RationalTime(frames, float(edit.fps))


def _range(edit: Edit, start: float, frames: float) -> otio.opentime.TimeRange:
    import opentimelineio as otio

    return otio.opentime.TimeRange(_time(edit, start), _time(edit, frames))
