"""One row of the chart: lanes for sections, waveform with beats, energy and tempo, and the words beside them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from qmv.artifacts import Beats

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image, ImageDraw

__all__ = [
    "HEIGHT_PX",
    "INK",
    "MUTED",
    "PAPER",
    "SWATCHES",
    "Row",
    "draw_row",
    "label_row",
    "section_colours",
    "unheard",
]

PAPER, INK, MUTED = "#fcfbf8", "#22262b", "#6b7280"
_WAVE, _BEAT, _DOWNBEAT, _ENERGY, _TEMPO = "#8fa6bd", "#e08a1e", "#b3261e", "#c9b458", "#1f7a5c"
_GROUND, _RULE, _SILENT = "#f2f0ea", "#d5d2ca", "#dcd9d2"
_SECTIONS = ("#c9dcef", "#f3d9b8", "#cfe6cd", "#e6cfe4", "#f2e6a8", "#cfe3e6", "#ecc9c5", "#dcd6f0")
SWATCHES = {
    "downbeat": (_DOWNBEAT, "bar"),
    "beat": (_BEAT, "stroke"),
    "waveform": (_WAVE, "box"),
    "energy": (_ENERGY, "box"),
    "tempo": (_TEMPO, "line"),
    "no beat": (_SILENT, "box"),
}

# From a row's top: (first, last) pixel of each lane.
_LANES = {"sections": (6, 28), "wave": (32, 142), "energy": (146, 180), "tempo": (186, 230)}
_AXIS_PX, HEIGHT_PX = 234, 282
_TICKS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Where a part of the song stands on the chart; `length_s` is what fills its width."""

    top_px: int
    left_px: int
    width_px: int
    from_s: float
    to_s: float
    length_s: float
    start_s: float

    def x(self, time_s: float) -> float:
        inside = min(max(time_s, self.from_s), self.to_s)
        return self.left_px + (inside - self.from_s) / self.length_s * self.width_px

    def lane(self, name: str) -> tuple[int, int]:
        return self.top_px + _LANES[name][0], self.top_px + _LANES[name][1]

    def holds(self, start_s: float, end_s: float) -> bool:
        return start_s < self.to_s and end_s > self.from_s

    def box(self, lane: str, start_s: float, end_s: float) -> tuple[float, float, float, float]:
        """On the canvas of twice the size."""
        top, bottom = self.lane(lane)
        return 2 * self.x(start_s), 2 * top, 2 * self.x(end_s), 2 * bottom


def section_colours(beats: Beats) -> dict[str, str]:
    """The colour of each label: that of its letter, so that a window of a song has the colours of the whole."""
    labels = sorted({section.label for section in beats.sections})
    letters = {label: ord(label) - ord("A") for label in labels if len(label) == 1 and "A" <= label <= "Z"}
    return {label: _SECTIONS[letters.get(label, number) % len(_SECTIONS)] for number, label in enumerate(labels)}


def unheard(beats: Beats) -> list[tuple[float, float]]:
    """Where no beat is heard."""
    if not beats.times_s:
        return [(0.0, float(beats.duration_s))]
    return [(stretch.start_s, stretch.end_s) for stretch in beats.stretches if not stretch.tempo_bpm]


def draw_row(
    canvas: Image.Image, row: Row, beats: Beats, samples: npt.NDArray[np.float32], colours: dict[str, str]
) -> None:
    """Everything but the words, on a canvas of twice the size."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(canvas)
    silent = [(start_s, end_s, _SILENT) for start_s, end_s in unheard(beats)]
    for lane in ("wave", "energy", "tempo") if beats.energy else ("wave", "tempo"):
        for start_s, end_s, colour in [(row.from_s, row.to_s, _GROUND), *silent]:
            if row.holds(start_s, end_s):
                pen.rectangle(row.box(lane, start_s, end_s), colour)
    for section in beats.sections:
        if row.holds(section.start_s, section.end_s):
            left, top, right, bottom = row.box("sections", section.start_s, section.end_s)
            pen.rectangle((left, top, max(left, right - 3), bottom), colours[section.label])
    _draw_energy(pen, row, beats)
    _draw_wave(pen, row, beats, samples)
    _draw_beats(pen, row, beats)
    _draw_tempo(pen, row, beats)
    pen.line((2 * row.left_px, 2 * (row.top_px + _AXIS_PX), 2 * row.x(row.to_s), 2 * (row.top_px + _AXIS_PX)), INK, 2)
    for time_s, _ in _ticks(row):
        x, y = 2 * row.x(time_s), 2 * (row.top_px + _AXIS_PX)
        pen.line((x, y, x, y + 10), INK, 2)


def _draw_wave(pen: ImageDraw.ImageDraw, row: Row, beats: Beats, samples: npt.NDArray[np.float32]) -> None:
    """A stroke for each column from its lowest to its highest sample, to the scale of the song's loudest."""
    import numpy as np

    if not len(samples):
        return
    left, top, right, bottom = row.box("wave", row.from_s, row.to_s)
    columns = np.arange(math.floor(left), max(math.floor(left) + 1, math.floor(right)))
    rate_hz = len(samples) / max(float(beats.duration_s), 1e-9)
    edges_s = row.from_s + (np.append(columns, columns[-1] + 1) - left) / (2 * row.width_px) * row.length_s
    starts = np.clip((edges_s * rate_hz).astype(np.int64), 0, len(samples) - 1)
    part = samples[starts[0] : max(starts[0] + 1, starts[-1])]
    places = np.minimum(starts[:-1] - starts[0], len(part) - 1)
    high, low = np.maximum.reduceat(part, places), np.minimum.reduceat(part, places)
    middle = (top + bottom) / 2
    scale = (bottom - top) / 2 / max(float(np.abs(samples).max()), 1e-6) * 0.96
    for x, up, down in zip(columns.tolist(), (middle - high * scale).tolist(), (middle - low * scale).tolist()):
        pen.line((x, up, x, max(down, up + 1)), _WAVE)


def _draw_beats(pen: ImageDraw.ImageDraw, row: Row, beats: Beats) -> None:
    """Downbeats through the whole height of the waveform, the others shorter at both ends."""
    top, bottom = (2 * y for y in row.lane("wave"))
    for time_s, position in zip(beats.times_s, beats.bar_position):
        if not row.from_s <= time_s < row.to_s:
            continue
        x = 2 * row.x(time_s)
        if position == 1:
            pen.rectangle((x - 2, top - 4, x + 2, bottom + 4), _DOWNBEAT)
        else:
            inset = 0 if position == 0 else (bottom - top) * 0.16
            pen.rectangle((x - 1, top + inset, x + 1, bottom - inset), _BEAT)


def _draw_energy(pen: ImageDraw.ImageDraw, row: Row, beats: Beats) -> None:
    top, bottom = (2 * y for y in row.lane("energy"))
    step_s = beats.energy_step_s
    points = [((index + 0.5) * step_s, value) for index, value in enumerate(beats.energy)]
    points = [(0.0, points[0][1]), *points, (float(beats.duration_s), points[-1][1])] if points else []
    inside = [(time_s, value) for time_s, value in points if row.from_s - step_s <= time_s <= row.to_s + step_s]
    if len(inside) < 2:
        return
    line = [(2 * row.x(time_s), bottom - min(max(value, 0.0), 1.0) * (bottom - top)) for time_s, value in inside]
    pen.polygon([(line[0][0], bottom), *line, (line[-1][0], bottom)], _ENERGY)


def _draw_tempo(pen: ImageDraw.ImageDraw, row: Row, beats: Beats) -> None:
    low, high = _tempo_range(beats)
    top, bottom = (2 * y for y in row.lane("tempo"))
    usual_s = 60 / beats.tempo_bpm if beats.tempo_bpm else 1.0
    for (a_s, a), (b_s, b) in pairwise(_tempi(beats)):
        if b_s - a_s > 2.5 * usual_s or not row.holds(a_s, b_s):
            continue
        ya, yb = (bottom - 4 - (min(max(bpm, low), high) - low) / (high - low) * (bottom - top - 8) for bpm in (a, b))
        pen.line((2 * row.x(a_s), ya, 2 * row.x(b_s), yb), _TEMPO, 4)


def _tempi(beats: Beats) -> list[tuple[float, float]]:
    """The tempo at each beat; from the beat before it where the tracker tells none."""
    if len(beats.tempi_bpm) == len(beats.times_s):
        return list(zip(beats.times_s, beats.tempi_bpm))
    return [(b, 60 / (b - a)) for a, b in pairwise(beats.times_s)]


def _tempo_range(beats: Beats) -> tuple[float, float]:
    """What the tempo lane shows: nearly all tempi, and at least a tenth to both sides of the middle one."""
    tempi = sorted(bpm for _, bpm in _tempi(beats)) or [120.0]
    middle, edge = statistics.median(tempi), len(tempi) // 50
    low, high = min(tempi[edge], middle * 0.9), max(tempi[-1 - edge], middle * 1.1)
    return 5 * math.floor(low / 5), 5 * math.ceil(high / 5)


def _ticks(row: Row) -> Iterator[tuple[float, str]]:
    """(second of the window, what is written there: minutes and seconds of the file)"""
    step_s = next((step for step in _TICKS_S if row.length_s / step <= 16), _TICKS_S[-1])
    number = math.ceil((row.from_s + row.start_s) / step_s - 1e-9)
    while (time_s := number * step_s) <= row.to_s + row.start_s + 1e-9:
        minutes, seconds = divmod(time_s, 60)
        yield (
            time_s - row.start_s,
            f"{int(minutes)}:{seconds:04.1f}" if step_s < 1 else f"{int(minutes)}:{seconds:02.0f}",
        )
        number += 1


def label_row(pen: ImageDraw.ImageDraw, row: Row, beats: Beats) -> None:
    """The words of a row, on the canvas of the final size."""
    from PIL import ImageFont

    font, small = ImageFont.load_default(14), ImageFont.load_default(12)
    for section in beats.sections:
        if row.holds(section.start_s, section.end_s):
            left, right = row.x(section.start_s), row.x(section.end_s)
            if font.getlength(section.label) < right - left - 10:
                pen.text((left + 6, sum(row.lane("sections")) / 2), section.label, INK, font, anchor="lm")
    for start_s, end_s in unheard(beats):
        left, right = row.x(start_s), row.x(end_s)
        if row.holds(start_s, end_s) and right - left > 60:
            pen.text(((left + right) / 2, row.lane("tempo")[0] + 20), "no beat", MUTED, small, anchor="mm")
    for time_s, text in _ticks(row):
        pen.text((row.x(time_s), row.top_px + _AXIS_PX + 9), text, INK, font, anchor="mt")
    if len(beats.times_s) > 1:
        top, bottom = row.lane("tempo")
        low, high = _tempo_range(beats)
        pen.text((row.left_px - 8, top + 5), f"{high:g}", MUTED, small, anchor="rm")
        pen.text((row.left_px - 8, bottom - 5), f"{low:g}", MUTED, small, anchor="rm")
        pen.text((row.left_px - 8, (top + bottom) / 2), "BPM", MUTED, small, anchor="rm")
    if beats.energy:
        pen.text((row.left_px - 8, sum(row.lane("energy")) / 2), "energy", MUTED, small, anchor="rm")
