"""An edited storyboard file and a song's beats become the storyboard of a video. Pure.

A shot with a beat starts on it, whatever the rate of the frames and wherever the beats have moved; one without starts
at its own time. The first one starts with the video.
"""

from __future__ import annotations

import dataclasses
import statistics
from fractions import Fraction

from qmv.artifacts import Beats, Shot, Storyboard
from qmv.errors import InputError
from qmv.media.storyboard_file import Row, Sheet, clock
from qmv.media.timebase import frame_at, frame_count

__all__ = ["doubts", "storyboard_of"]

_FAR_S = 0.1  # from where a beat was: another beat


def storyboard_of(sheet: Sheet, beats: Beats, fps: Fraction, where: str) -> Storyboard:
    """Raises InputError for shots that are out of order, or lie where the song has no beat or has ended."""
    frames = frame_count(beats.duration_s, fps)
    starts: list[int] = []
    for number, row in enumerate(sheet.rows, 1):
        place = f"{where}, shot {number} (line {row.line})"
        start = _start(row, beats, fps, place) if starts else _first(row, beats, fps, place)
        if start >= frames:
            length = clock(beats.duration_s)
            raise InputError(f"{place}: starts at {clock(start / fps)}, the video ends at {length}; delete the shot.")
        if starts and start <= starts[-1]:
            raise InputError(
                f"{place}: starts at {clock(start / fps)}, not after the {clock(starts[-1] / fps)} of the shot before; "
                "give it a later beat, or put the shots in order."
            )
        starts.append(start)
    shots = [_shot(row, start, end) for row, start, end in zip(sheet.rows, starts, [*starts[1:], frames])]
    if not _on_first_frame(shots[0].beat, beats, fps):
        shots[0] = dataclasses.replace(shots[0], beat=None)
    numbered = tuple(dataclasses.replace(shot, index=index) for index, shot in enumerate(shots))
    return Storyboard(fps=fps, frames=frames, shots=numbered)


def doubts(sheet: Sheet, title: str, beats: Beats) -> list[str]:
    """Sentences on what looks like another song's storyboard."""
    found = []
    if sheet.song and sheet.song != title:
        found.append(f"the storyboard was written for the song '{sheet.song}', this one is '{title}'")
    told = [  # (beat, when it was, when it is)
        (row.beat, row.at_s, Fraction(beats.times_s[row.beat]))
        for row in sheet.rows[1:]
        if row.at_s is not None and row.beat is not None and row.beat < len(beats.times_s)
    ]
    # beats that are all later by as much are the same beats
    near_s = _FAR_S + (1 / sheet.fps if sheet.fps else 0)  # times in the file are those of frames
    usual = statistics.median_low([now - was for _, was, now in told]) if told else Fraction(0)
    far = [(beat, was, now) for beat, was, now in told if abs(now - was - usual) > near_s]
    if 2 * len(far) > len(told):
        beat, was, now = far[0]
        found.append(
            f"the storyboard's beats are not these: beat {beat + 1} was at {clock(was)} and is at {clock(now)}; "
            "its shots start on the beats of these numbers"
        )
    first = sheet.rows[0]
    if first.beat is not None and not _on_first_frame(first.beat, beats, sheet.fps or Fraction(24)):
        found.append(f"the storyboard's first shot begins with the video, not on its beat {first.beat + 1}")
    return found


def _on_first_frame(beat: int | None, beats: Beats, fps: Fraction) -> bool:
    return beat is not None and beat < len(beats.times_s) and frame_at(beats.times_s[beat], fps) == 0


def _first(row: Row, beats: Beats, fps: Fraction, where: str) -> int:
    if row.at_s is None and _on_first_frame(row.beat, beats, fps):
        return 0
    if row.at_s is not None and frame_at(float(row.at_s), fps) == 0:
        return 0
    told = f"at {clock(row.at_s)}" if row.at_s is not None else f"on beat {(row.beat or 0) + 1}"
    raise InputError(
        f"{where}: is the first one and starts {told}, but the video begins with it; write at: 0:00.000 and no beat."
    )


def _start(row: Row, beats: Beats, fps: Fraction, where: str) -> int:
    if row.beat is None:
        return frame_at(float(row.at_s or 0), fps)
    if row.beat >= len(beats.times_s):
        count = len(beats.times_s)
        known = f"the video's beats are 1 to {count}" if count else "the video has no beats"
        raise InputError(
            f"{where}: beat {row.beat + 1} is none, {known}; choose one of them, or drop beat and give `at`."
        )
    return frame_at(beats.times_s[row.beat], fps)


def _shot(row: Row, start: int, end: int) -> Shot:
    return Shot(
        index=0,
        start=start,
        end=end,
        beat=row.beat,
        section=row.section,
        framing=row.framing,
        subject=row.subject,
        prompt=row.prompt,
        negative_prompt=row.negative_prompt,
        seed=row.seed,
        paced_by=row.paced_by,
        lyric=row.lyric,
    )
