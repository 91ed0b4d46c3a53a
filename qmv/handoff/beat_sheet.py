"""The beats as a table, for what reads no timeline: spreadsheets, Blender, After Effects. Pure."""

from __future__ import annotations

import bisect
import csv
import io
from fractions import Fraction

from qmv.artifacts import Beats
from qmv.handoff.edit import counted
from qmv.handoff.names import plain
from qmv.media.timebase import frame_at

__all__ = ["beat_sheet"]


def beat_sheet(beats: Beats, fps: Fraction) -> str:
    """A row a beat as CSV; frames and seconds count from the video's start, bar and beat are empty where not known."""
    starts = [section.start_s for section in beats.sections]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("frame", "time_s", "bar", "beat", "section"))
    for time_s, bar, position in counted(beats):
        place = bisect.bisect_right(starts, time_s) - 1
        label = beats.sections[place].label if place >= 0 and time_s < beats.sections[place].end_s else ""
        place_in_bar = (bar, position) if position else ("", "")
        rows.writerow((frame_at(time_s, fps), f"{time_s:.6f}", *place_in_bar, plain(label)))
    return text.getvalue()
