"""Exact time: rates are fractions, and each moment becomes a frame number once, never by adding up durations."""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["frame_at", "frame_count", "frame_rate"]

_NTSC_BASES = (24, 30, 48, 60, 120)
MAX_FPS = 240


def frame_rate(text: str | float | Fraction) -> Fraction:
    """The exact rate of a frame rate as people write it: 24, '25', 29.97 (30000/1001), '24000/1001'.

    Raises ValueError outside 1..240 frames a second and for anything that is no number.
    """
    try:
        rate = Fraction(str(text))
    except (ValueError, ZeroDivisionError) as cause:
        raise ValueError(f"fps must be a number such as 24, 29.97 or 30000/1001, got {text}") from cause
    for base in _NTSC_BASES:
        exact = Fraction(base * 1000, 1001)
        if rate != exact and abs(rate - exact) < Fraction(1, 200) and rate.denominator != 1:
            rate = exact
    if not 1 <= rate <= MAX_FPS:
        raise ValueError(f"fps must be at least 1 and at most {MAX_FPS}, got {text}")
    if rate.denominator not in (1, 1001):
        rate = rate.limit_denominator(1001)
    return rate


def frame_at(time_s: float, fps: Fraction) -> int:
    """The number of the frame whose start is nearest to a moment; halves go to the later frame."""
    return math.floor(Fraction(time_s) * fps + Fraction(1, 2))


def frame_count(duration_s: Fraction, fps: Fraction) -> int:
    """How many frames cover a duration; the last one may outlast the sound by less than a frame."""
    return max(1, math.ceil(duration_s * fps))
