"""Draws what was found in a song as one picture: rows of its waveform with beats and bars, sections, energy and tempo.

Pillow draws it, which the pictures need anyway: a plotting library would be twenty times as much to install, and be
used for this alone. Everything is drawn at twice the size and halved, so that lines are smooth; words come afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from qmv.artifacts import Beats
from qmv.media.chart_lanes import (
    HEIGHT_PX,
    INK,
    MUTED,
    PAPER,
    SWATCHES,
    Row,
    draw_row,
    label_row,
    section_colours,
    unheard,
)
from qmv.media.chart_words import fitting, font_and_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image, ImageDraw

    Samples: TypeAlias = npt.NDArray[np.float32]

__all__ = ["Caption", "draw"]

_WIDTH_PX = 1800
_LEFT_PX, _RIGHT_PX = 78, 40
_HEAD_PX, _FOOT_PX = 128, 24
_ROW_S, _MOST_ROWS = 60.0, 12


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What stands above the chart."""

    title: str
    artist: str
    source: str  # of the beats: 'by superflux'
    start_s: float  # where the window begins in the file


def draw(beats: Beats, samples: Samples, caption: Caption) -> Image.Image:
    """The chart of a window; `samples` is its mono signal [n]."""
    from PIL import Image, ImageDraw

    rows = _rows(beats, caption.start_s)
    size = _WIDTH_PX, _HEAD_PX + len(rows) * HEIGHT_PX + _FOOT_PX
    large = Image.new("RGB", (2 * size[0], 2 * size[1]), PAPER)
    colours = section_colours(beats)
    for row in rows:
        draw_row(large, row, beats, samples, colours)
    _draw_legend(ImageDraw.Draw(large), beats, words=False)
    chart = large.resize(size, Image.Resampling.BOX)
    pen = ImageDraw.Draw(chart)
    _write_head(pen, beats, caption)
    _draw_legend(pen, beats, words=True)
    for row in rows:
        label_row(pen, row, beats)
    return chart


def _rows(beats: Beats, start_s: float) -> list[Row]:
    """As many rows as leave at most a minute to each; the last one is as wide as the others and may be shorter."""
    duration_s = max(float(beats.duration_s), 0.1)
    count = min(_MOST_ROWS, math.ceil(duration_s / (_ROW_S + 1)))
    length_s = duration_s if count == 1 else 5 * math.ceil(duration_s / count / 5)
    return [
        Row(
            top_px=_HEAD_PX + index * HEIGHT_PX,
            left_px=_LEFT_PX,
            width_px=_WIDTH_PX - _LEFT_PX - _RIGHT_PX,
            from_s=index * length_s,
            to_s=min((index + 1) * length_s, duration_s),
            length_s=length_s,
            start_s=start_s,
        )
        for index in range(math.ceil(round(duration_s / length_s, 6)))
    ]


def _write_head(pen: ImageDraw.ImageDraw, beats: Beats, caption: Caption) -> None:
    from PIL import ImageFont

    dash = "  -  " if caption.artist else ""
    font, words = font_and_text(caption.title + dash + caption.artist, 30)
    room_px = _WIDTH_PX - _LEFT_PX - _RIGHT_PX
    artist = fitting(words[len(caption.title) :], font, 0.4 * room_px)
    pen.text(
        (_LEFT_PX, 20), fitting(words[: len(caption.title)], font, room_px - font.getlength(artist)) + artist, INK, font
    )
    pen.text((_LEFT_PX, 62), summary(beats, caption.source), MUTED, ImageFont.load_default(17))


def summary(beats: Beats, source: str) -> str:
    """'142 beats, 118.4 a minute, bars of 4/4, confidence 0.93, 49.2 s, by superflux'."""
    count = len(beats.times_s)
    bars = sum(position == 1 for position in beats.bar_position)
    parts = [f"{count} beats" if count else "no beats"]
    parts += [f"{beats.tempo_bpm:.1f} a minute"] if beats.tempo_bpm else []
    parts += [f"{bars} bars of {beats.meter}" if beats.meter else f"{bars} bars"] if bars else []
    parts += [f"confidence {beats.confidence:.2f}"] if count else []
    return ", ".join([*parts, f"{float(beats.duration_s):.1f} s", source])


def _draw_legend(pen: ImageDraw.ImageDraw, beats: Beats, *, words: bool) -> None:
    """Swatches on the large canvas, then their words on the small one."""
    from PIL import ImageFont

    font = ImageFont.load_default(14)
    there = {
        "downbeat": 1 in beats.bar_position,
        "beat": bool(beats.times_s),
        "energy": bool(beats.energy),
        "tempo": len(beats.times_s) > 1,
        "no beat": bool(unheard(beats)),
    }
    x = float(_LEFT_PX)
    for name, (colour, form) in SWATCHES.items():
        if not there.get(name, True):
            continue
        stroke = form in ("bar", "stroke")
        if words:
            pen.text((x + (12 if stroke else 28), 101), name, INK, font, anchor="lm")
        elif form == "box":
            pen.rectangle((2 * x, 2 * 94, 2 * x + 40, 2 * 108), colour)
        elif form == "line":
            pen.line((2 * x, 2 * 101, 2 * x + 40, 2 * 101), colour, 5)
        else:
            pen.line((2 * x + 4, 2 * 92, 2 * x + 4, 2 * 110), colour, 6 if form == "bar" else 3)
        x += (12 if stroke else 28) + round(font.getlength(name)) + 28
