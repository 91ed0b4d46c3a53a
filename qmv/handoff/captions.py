"""A song's lyrics as captions of its video: SubRip, WebVTT, LRC. Pure.

Times count from the video's start. A line is seen until the next one begins, and for some seconds at most. Each
function gives '' where nothing is sung in the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qmv.artifacts import LyricLine
from qmv.media.legible import legible
from qmv.media.lyrics import LONGEST_LINE_S

__all__ = ["lrc", "srt", "vtt"]


def srt(lines: Sequence[LyricLine], start_s: float, end_s: float) -> str:
    """SubRip captions of the window `start_s` .. `end_s` of the song."""
    cues = enumerate(_cues(lines, start_s, end_s, 1000), 1)
    blocks = (f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n" for number, cue in cues)
    return "\n".join(blocks)


def vtt(lines: Sequence[LyricLine], start_s: float, end_s: float) -> str:
    """WebVTT captions of the window, with the signs escaped that the W3C's form of a cue's text reserves."""
    blocks = [
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n"
        for cue in _cues(lines, start_s, end_s, 1000)
    ]
    return "\n".join(["WEBVTT\n", *blocks]) if blocks else ""


def lrc(lines: Sequence[LyricLine], start_s: float, end_s: float) -> str:
    """The window's lyrics as LRC, to the hundredth of a second; a stamp without words ends a line before a pause."""
    cues = list(_cues(lines, start_s, end_s, 100))
    rows = [(cue.start, cue.text) for cue in cues]
    rows += [(cue.end, "") for cue, after in pairwise(cues) if cue.end < after.start]
    rows += [(cues[-1].end, "")] if cues else []
    return "".join(
        f"[{time // 6000:02d}:{time // 100 % 60:02d}.{time % 100:02d}]{text}\n" for time, text in sorted(rows)
    )


@dataclass(frozen=True)
class _Cue:
    """A line on screen, in whole ticks from the video's start."""

    start: int
    end: int
    text: str


def _cues(lines: Sequence[LyricLine], start_s: float, end_s: float, ticks: int) -> Iterator[_Cue]:
    """The lines of a window in order, `ticks` a second; none is empty, and no two are seen at once."""
    last = int((end_s - start_s) * ticks)
    ordered = sorted(lines, key=lambda line: line.start_s)
    starts = [round((line.start_s - start_s) * ticks) for line in ordered]
    for line, start, after in zip(ordered, starts, [*starts[1:], last]):
        text = legible(line.text)
        end = min(start + int(LONGEST_LINE_S * ticks), after, last)
        if text and end > max(start, 0):
            yield _Cue(max(start, 0), end, text)


def _clock(ms: int, point: str) -> str:
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
