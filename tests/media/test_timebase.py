"""Exact time."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.media.timebase import frame_at, frame_count, frame_rate

RATES = [Fraction(r) for r in (24, 25, 30, 50, 60)] + [Fraction(r * 1000, 1001) for r in (24, 30, 60)]


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("24", Fraction(24)),
        (25, Fraction(25)),
        (30.0, Fraction(30)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        ("47.952", Fraction(48000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        ("12.5", Fraction(25, 2)),
        (Fraction(60000, 1001), Fraction(60000, 1001)),
        ("1", Fraction(1)),
        ("240", Fraction(240)),
    ],
)
def test_frame_rate_is_exact(text: str | float | Fraction, exact: Fraction) -> None:
    assert frame_rate(text) == exact


@pytest.mark.parametrize("text", ["", "fast", "24/0", "nan", "inf", "24,5", "24 fps"])
def test_frame_rate_refuses_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"fps must be a number such as 24, 29\.97 or 30000/1001, got"):
        frame_rate(text)


@pytest.mark.parametrize("text", ["0", "0.5", "-24", "240.5", "1000"])
def test_frame_rate_refuses_what_is_out_of_range(text: str) -> None:
    with pytest.raises(ValueError, match=f"fps must be at least 1 and at most 240, got {text}"):
        frame_rate(text)


@given(
    time_s=st.floats(0, 7200, allow_nan=False),
    fps=st.sampled_from(RATES),
)
def test_frame_at_lies_within_half_a_frame(time_s: float, fps: Fraction) -> None:
    assert abs(Fraction(frame_at(time_s, fps)) / fps - Fraction(time_s)) <= Fraction(1, 2) / fps


def test_frame_at_gives_a_half_to_the_later_frame() -> None:
    assert frame_at(0.5, Fraction(25)) == 13


@given(first=st.floats(0, 100), second=st.floats(0, 100), fps=st.sampled_from(RATES))
def test_frame_at_keeps_the_order_of_moments(first: float, second: float, fps: Fraction) -> None:
    assert (frame_at(first, fps) <= frame_at(second, fps)) == (first <= second) or (
        frame_at(first, fps) == frame_at(second, fps)
    )


@given(number=st.integers(0, 200_000), fps=st.sampled_from(RATES))
def test_frame_at_finds_a_frame_by_its_own_start(number: int, fps: Fraction) -> None:
    assert frame_at(float(number / fps), fps) == number


@given(samples=st.integers(1, 48000 * 600), rate_hz=st.sampled_from([8000, 44100, 48000]), fps=st.sampled_from(RATES))
def test_frame_count_covers_the_sound_by_less_than_a_frame_more(samples: int, rate_hz: int, fps: Fraction) -> None:
    duration_s = Fraction(samples, rate_hz)
    assert duration_s <= frame_count(duration_s, fps) / fps < duration_s + 1 / fps


def test_frame_count_is_never_zero() -> None:
    assert frame_count(Fraction(0), Fraction(24)) == 1
