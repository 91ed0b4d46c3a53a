"""From beats to cuts: when each picture gives way to the next, in whole frames. Pure functions of values.

A beat becomes a frame number once; lengths are differences of frame numbers, so nothing adds up to a drift.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from qmv.analysis.energy import LEVELS, level
from qmv.artifacts import Beats, Section
from qmv.media.bar_cuts import picked
from qmv.media.beatless import Mark, Pulse
from qmv.media.pace import Pace
from qmv.media.phrases import phrase_cuts
from qmv.media.timebase import frame_at

__all__ = ["BEATS", "EVEN", "PHRASES", "Cut", "cut_points"]

BEATS, PHRASES, EVEN = "beats", "phrases", "even"

_UNHEARD_BEAT_S = 0.5  # where no beat is heard, pictures are paced as at 120 beats a minute
_CALM = 1.5  # ... and stay so much longer where the music is calm
_LONG = 1.75  # shots: what is longer is divided where no beat is heard
_ENOUGH = 1.5  # of the fewest pictures: no more than that are made by halving the beats a picture stays


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The first frame of a shot, the beat that it stands on, if any, and what set its place."""

    frame: int
    beat: int | None
    paced_by: str


def cut_points(beats: Beats, pace: Pace, min_images: int, fps: Fraction) -> list[Cut]:
    """Where shots start: the first one at frame 0, at least `min_images` where there are that many frames.

    On beats, as many as `pace` tells for each section, and on downbeats where that fits the bars; each section starts
    a shot. Away from beats, shots follow the phrases of the energy curve, or are even without one. What would be
    shorter than half of such a shot joins the one before. A song with too few shots gets twice, four times ... as many
    where that is not far too many, else shots spread over its beats, else even ones.
    """
    pulse = Pulse.of(beats, fps)
    wanted = min(min_images, pulse.frames)
    cuts = _cuts(beats, pulse, pace)
    if len(cuts) >= wanted:
        return cuts
    while (quicker := pace.halved()) != pace:
        pace, cuts = quicker, _cuts(beats, pulse, quicker)
        if wanted <= len(cuts) <= _ENOUGH * wanted:
            return cuts
    if len(pulse.marks) < wanted:
        return [Cut(frame=index * pulse.frames // wanted, beat=None, paced_by=EVEN) for index in range(wanted)]
    spread = [pulse.marks[index * len(pulse.marks) // wanted] for index in range(wanted)]
    cuts = [Cut(frame=mark.frame, beat=mark.beat, paced_by=BEATS) for mark in spread]
    return cuts if cuts[0].frame == 0 else [Cut(frame=0, beat=None, paced_by=BEATS), *cuts[1:]]


# -- cuts that may have to go ----------------------------------------------------------------------------------------

_PICKUP, _BEAT, _SECTION, _FIRST = range(4)  # ranks


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Where a shot may start: `rank` tells which of two that are too close stays."""

    frame: int
    beat: int | None
    rank: int
    least: float  # frames that a shot from here must have
    free: float  # frames that shots from here on have where no beat is heard


def _cuts(beats: Beats, pulse: Pulse, pace: Pace) -> list[Cut]:
    parts = _parts(beats, pulse)
    ends = [start for start, _ in parts[1:]] + [pulse.frames]
    starts = [
        found
        for (start, section), end in zip(parts, ends)
        for found in _starts(pulse, start, end, section, pace.beats(section))
    ]
    kept = _spaced(starts, pulse.frames)
    ends = [start.frame for start in kept[1:]] + [pulse.frames]
    return [cut for start, end in zip(kept, ends) for cut in _shots(start, end, beats, pulse)]


def _parts(beats: Beats, pulse: Pulse) -> list[tuple[int, Section]]:
    """The frames that sections start at, on the nearest beat; the whole song where no sections are known."""
    mean = statistics.fmean(beats.energy) if beats.energy else 0.5
    whole = Section(start_s=0.0, end_s=float(beats.duration_s), label="", energy=mean)
    found = {pulse.nearest(max(0, frame_at(s.start_s, pulse.fps))): s for s in beats.sections or (whole,)}
    (_, first), *others = sorted((part for part in found.items()), key=lambda part: part[0])
    return [(0, first), *((start, section) for start, section in others if 0 < start < pulse.frames)]


def _starts(pulse: Pulse, start: int, end: int, section: Section, count: int) -> list[_Start]:
    """A section's shots on beats, and its own start where that lies on none."""
    free = _UNHEARD_BEAT_S * count * float(pulse.fps) * (_CALM if level(section.energy) == LEVELS[0] else 1)
    least, found = free / 2, []
    for run in pulse.runs:
        inside = [mark for mark in run if start <= mark.frame < end]
        beat = _mean_gap(inside if len(inside) > 1 else run)
        least = max(0.5, count / 2 - 0.25) * beat if inside else least  # a quarter of a beat less, since tempo drifts
        for index in picked([mark.position for mark in inside], count):
            mark = inside[index]
            rank = _PICKUP if index == 0 and mark.position > 1 else _BEAT
            found.append(_Start(frame=mark.frame, beat=mark.beat, rank=rank, least=least, free=free))
    if not found or found[0].frame != start:
        own = found[0].least if found else least
        found.insert(0, _Start(frame=start, beat=None, rank=_SECTION, least=own, free=free))
    found[0] = dataclasses.replace(found[0], rank=_SECTION if start else _FIRST)
    return found


def _mean_gap(marks: Sequence[Mark]) -> float:
    return (marks[-1].frame - marks[0].frame) / (len(marks) - 1)


def _spaced(starts: list[_Start], frames: int) -> list[_Start]:
    """Without those that make a shot too short: of two, the one that matters less goes, else the later one; a section
    that is too short itself begins no shot.
    """
    kept: list[_Start] = []
    for start in starts:
        while kept and start.frame - kept[-1].frame < kept[-1].least:
            before = kept[-1].rank
            if before == _FIRST or before > start.rank or before == start.rank != _SECTION:
                break
            kept.pop()
        else:
            kept.append(start)
    while len(kept) > 1 and frames - kept[-1].frame < kept[-1].least:
        kept.pop()
    return kept


# -- shots where the pulse stops -------------------------------------------------------------------------------------


def _shots(start: _Start, end: int, beats: Beats, pulse: Pulse) -> list[Cut]:
    """The shot that starts there, and more until `end` where no beat is heard for long."""
    heard = math.ceil(pulse.heard_until(start.frame))
    paced_by = BEATS if start.beat is not None or pulse.heard_between(start.frame, end) else EVEN
    frames: list[int] = []
    if end - start.frame > _LONG * start.free and pulse.stops(heard, end):
        frames = phrase_cuts(beats, (start.frame, end), (heard, end), start.free, pulse.fps)
        paced_by = PHRASES if frames else EVEN
        first = heard if heard - start.frame >= start.least else start.frame
        frames = frames or [frame for frame in _even(first, end, start.free) if frame > start.frame]
    own = BEATS if start.beat is not None else paced_by
    later = [Cut(frame=frame, beat=None, paced_by=paced_by) for frame in frames]
    return [Cut(frame=start.frame, beat=start.beat, paced_by=own), *later]


def _even(start: int, end: int, length: float) -> list[int]:
    """`start`, and what divides the rest into shots of about that length."""
    parts = max(1, round((end - start) / length))
    return [start + part * (end - start) // parts for part in range(parts)]
