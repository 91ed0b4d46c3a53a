"""A finished video as an editor sees it: clips, a song and marks, in whole frames. Pure.

What the timelines are written from, so that all of them tell the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from qmv.artifacts import Beats, Picture, Pictures, Shot, Song, Storyboard, Video
from qmv.handoff.names import picture_name, plain, suffix_of
from qmv.media.timebase import frame_at
from qmv.media.timeline import held, overlaps

__all__ = ["PICTURES", "Clip", "Edit", "Mark", "Sound", "beat_marks", "counted", "edit_of", "section_marks"]

PICTURES = "pictures"  # their folder beside the timelines


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The song's file, of which `samples` are heard from the sample `first` on; the file holds `length` of them."""

    file: str
    name: str
    rate_hz: int
    channels: int
    first: int
    samples: int
    length: int

    @property
    def start_s(self) -> Fraction:
        return Fraction(self.first, self.rate_hz)

    def frames(self, fps: Fraction) -> int:
        """The whole frames that the sound fills: the video's last frame may outlast the song."""
        return max(1, math.floor(Fraction(self.samples, self.rate_hz) * fps))


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A picture in its place. `into` and `out` are the frames by which its dissolves pass its first and last cut."""

    number: int
    file: str
    shot: Shot
    picture: Picture
    into: int
    out: int


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something to see on the timeline, from `frame` on for `frames`; `strong` where a bar begins."""

    frame: int
    frames: int
    name: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Clips that follow each other from frame 0 to `frames` without a gap, a song below them, and marks.

    `transition` is what the video has between its shots; a clip's `into` is 0 where that is not a dissolve.
    """

    title: str
    artist: str
    fps: Fraction
    frames: int
    width_px: int
    height_px: int
    transition: str
    clips: tuple[Clip, ...]
    sound: Sound
    beats: tuple[Mark, ...]
    sections: tuple[Mark, ...]


def edit_of(
    *, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures, video: Video, sound: Sound,
    transition: str, dissolve_s: float,
) -> Edit:  # fmt: skip
    """The edit of a video whose transitions are dissolves of `dissolve_s` at most; 0 where they are none."""
    fps, frames = storyboard.fps, storyboard.frames
    return Edit(
        title=song.title,
        artist=song.artist,
        fps=fps,
        frames=frames,
        width_px=video.width_px,
        height_px=video.height_px,
        transition=transition,
        clips=tuple(_clips(storyboard, pictures, dissolve_s)),
        sound=sound,
        beats=beat_marks(beats, fps, frames),
        sections=section_marks(beats, fps, frames),
    )


def _clips(storyboard: Storyboard, pictures: Pictures, dissolve_s: float) -> Iterator[Clip]:
    """Numbered as in storyboard.yaml, also where shots are missing, whose time a neighbour has got."""
    board = held(storyboard, pictures.missing)
    numbers = [shot.index + 1 for shot in storyboard.shots if shot.index not in set(pictures.missing)]
    halves = [overlap.half for overlap in overlaps(board, dissolve_s)]
    found = zip(numbers, board.shots, pictures.pictures, halves, [*halves[1:], 0], strict=True)
    for number, shot, picture, into, out in found:
        name = picture_name(number, shot.section, shot.framing, shot.subject, suffix_of(picture.file.path))
        yield Clip(number=number, file=f"{PICTURES}/{name}", shot=shot, picture=picture, into=into, out=out)


def beat_marks(beats: Beats, fps: Fraction, frames: int) -> tuple[Mark, ...]:
    """A mark a beat, named by bar and beat such as '12.3', by its number where bars are not known."""
    marks = []
    for number, (time_s, bar, position) in enumerate(counted(beats), 1):
        name = f"{bar}.{position}" if position else f"beat {number}"
        marks.append(Mark(frame=frame_at(time_s, fps), frames=1, name=name, strong=position == 1))
    return tuple(mark for mark in marks if 0 <= mark.frame < frames)


def counted(beats: Beats) -> Iterator[tuple[float, int, int]]:
    """(time_s, bar, place in it) of each beat; bars count from 1, and beats before the first downbeat are in bar 0."""
    bar = 0
    for time_s, position in zip(beats.times_s, beats.bar_position):
        bar += position == 1
        yield time_s, bar, position


def section_marks(beats: Beats, fps: Fraction, frames: int) -> tuple[Mark, ...]:
    """A mark a section, as long as it is."""
    marks = []
    for section in beats.sections:
        start, end = (min(frames, max(0, frame_at(time_s, fps))) for time_s in (section.start_s, section.end_s))
        if end > start:
            note = f"energy {section.energy:.2f}"
            marks.append(Mark(frame=start, frames=end - start, name=plain(section.label) or "section", note=note))
    return tuple(marks)
