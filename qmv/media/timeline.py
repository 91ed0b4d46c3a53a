"""From shots to chunks: pure functions of values, in whole frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from qmv.artifacts import Shot, Storyboard

__all__ = ["ChunkSpan", "Overlap", "chunk_spans", "held", "overlaps", "seen"]


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


def held(storyboard: Storyboard, missing: Collection[int]) -> Storyboard:
    """The storyboard without the shots that have no picture: the one before stays longer, at the start the one after
    comes sooner. `missing` must leave a shot."""
    there = [shot for shot in storyboard.shots if shot.index not in set(missing)]
    starts = [0, *(shot.start for shot in there[1:]), storyboard.frames]
    shots = tuple(
        dataclasses.replace(shot, index=index, start=start, end=end)
        for index, (shot, (start, end)) in enumerate(zip(there, pairwise(starts), strict=True))
    )
    return dataclasses.replace(storyboard, shots=shots) if missing else storyboard


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
