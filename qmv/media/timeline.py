"""From beats to cuts, and from shots to chunks: pure functions of values, in whole frames.

A beat becomes a frame number once; lengths are differences of frame numbers, so nothing adds up to a drift.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from qmv.artifacts import Beats, Shot, Storyboard
from qmv.media.timebase import frame_at, frame_count

__all__ = ["ChunkSpan", "Cut", "Overlap", "chunk_spans", "cut_points", "overlaps", "seen"]

_UNHEARD_BEAT_S = 0.5  # where no beat is heard, pictures are paced as at 120 beats a minute


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The first frame of a shot, and the beat that it stands on, if any."""

    frame: int
    beat: int | None


def cut_points(beats: Beats, beats_per_image: int, min_images: int, fps: Fraction) -> list[Cut]:
    """A cut at every `beats_per_image`-th beat, at least `min_images` where there are that many frames.

    The first one is at frame 0. Stretches without beats (a long lead-in, the end, the whole song) are paced evenly
    at the same length; a song too short for `min_images` gets them at whole beats where it has enough beats, else
    evenly.
    """
    frames = frame_count(beats.duration_s, fps)
    wanted = min(min_images, frames)
    on_beats = _distinct(beats, frames, fps)
    if len(on_beats) < 2:
        length_s = _UNHEARD_BEAT_S * beats_per_image
        return _evenly(max(wanted, round(beats.duration_s / Fraction(length_s))), frames)
    shot_frames = beats_per_image * statistics.median(b.frame - a.frame for a, b in pairwise(on_beats))
    cuts = _fill(_from_zero(_picked(on_beats, beats_per_image), shot_frames), frames, shot_frames)
    if len(cuts) >= wanted:
        return cuts
    if len(on_beats) >= wanted:
        return _from_zero([on_beats[i * len(on_beats) // wanted] for i in range(wanted)], frames)
    return _evenly(wanted, frames)


def _distinct(beats: Beats, frames: int, fps: Fraction) -> list[Cut]:
    """The beats by frame, in order, at most one a frame and none past the end."""
    found: dict[int, Cut] = {}
    for index, time_s in enumerate(beats.times_s):
        frame = frame_at(time_s, fps)
        if 0 <= frame < frames:
            found.setdefault(frame, Cut(frame=frame, beat=index))
    return [found[frame] for frame in sorted(found)]


def _picked(on_beats: list[Cut], beats_per_image: int) -> list[Cut]:
    return [cut for cut in on_beats if cut.beat is not None and cut.beat % beats_per_image == 0]


def _from_zero(cuts: list[Cut], lead_frames: float) -> list[Cut]:
    """Starts at frame 0: a lead-in up to half of `lead_frames` joins the first shot, a longer one is a shot."""
    if cuts and cuts[0].frame == 0:
        return cuts
    rest = cuts[1:] if cuts and cuts[0].frame <= lead_frames / 2 else cuts
    return [Cut(frame=0, beat=None), *rest]


def _fill(cuts: list[Cut], frames: int, shot_frames: float) -> list[Cut]:
    """Divides each stretch that is much longer than a shot into even ones."""
    filled = []
    for cut, end in zip(cuts, [c.frame for c in cuts[1:]] + [frames]):
        length = end - cut.frame
        parts = max(1, round(length / shot_frames)) if length > 1.75 * shot_frames else 1
        filled.append(cut)
        filled += [Cut(frame=cut.frame + part * length // parts, beat=None) for part in range(1, parts)]
    return filled


def _evenly(count: int, frames: int) -> list[Cut]:
    count = min(count, frames)
    return [Cut(frame=index * frames // count, beat=None) for index in range(count)]


# -- chunks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """The transition into a shot covers the frames cut - half .. cut + half; `half` is 0 for a hard cut."""

    cut: int
    half: int

    def position(self, frame: int) -> float | None:
        """How far the transition is at a frame, in 0..1 and 0.5 at the cut; None outside of it."""
        if not self.cut - self.half <= frame < self.cut + self.half:
            return None
        return (frame - (self.cut - self.half) + 0.5) / (2 * self.half)


@dataclass(frozen=True, kw_only=True)
class ChunkSpan:
    """Frames first .. first + frames, all of one shot `shot` and the transition that leads into it."""

    shot: int
    first: int
    frames: int


def overlaps(storyboard: Storyboard, length_s: float) -> list[Overlap]:
    """One a shot. A transition borrows from both neighbours alike, at most half of the shorter, and moves no cut."""
    wanted = round(Fraction(length_s) * storyboard.fps / 2)
    halves = [0] + [min(wanted, a.frames // 2, b.frames // 2) for a, b in pairwise(storyboard.shots)]
    return [Overlap(cut=shot.start, half=half) for shot, half in zip(storyboard.shots, halves)]


def chunk_spans(storyboard: Storyboard, transitions: Sequence[Overlap], max_frames: int) -> list[ChunkSpan]:
    """The video in pieces that can be encoded alone. A chunk starts where the transition into its shot starts, so a
    changed picture touches two shots' chunks at most; shots longer than `max_frames` are split.
    """
    starts = [overlap.cut - overlap.half for overlap in transitions] + [storyboard.frames]
    spans = []
    for shot, (start, end) in enumerate(pairwise(starts)):
        for first in range(start, end, max_frames):
            spans.append(ChunkSpan(shot=shot, first=first, frames=min(max_frames, end - first)))
    return spans


def seen(shot: Shot, transitions: Sequence[Overlap], first: int = 0) -> Shot:
    """The shot with all the frames in which its picture is seen, transitions included, counted from `first`."""
    into = transitions[shot.index].half
    out = transitions[shot.index + 1].half if shot.index + 1 < len(transitions) else 0
    return dataclasses.replace(shot, start=shot.start - into - first, end=shot.end + out - first)
