"""The search for a crf, on made functions: what it finds, and how often it asks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.media.crf_search import STEP, crf_for, spread

RANGES = st.sampled_from([(0.0, 51.0), (1.0, 63.0), (0.0, 50.0), (20.0, 23.0), (18.0, 18.0), (0.5, 51.5)])
SHARES = st.floats(0, 1)
MOST = 13  # looks: six by lines, and a bisection of 126 steps; as many again where the best falls short


class Asked:
    """A function that counts how often it is asked, and for what."""

    def __init__(self, quality: Callable[[float], float]) -> None:
        self.quality = quality
        self.crfs: list[float] = []

    def __call__(self, crf: float) -> float:
        self.crfs.append(crf)
        return self.quality(crf)


def steps(limits: tuple[float, float]) -> list[float]:
    low, high = limits
    return [number * STEP for number in range(round(low / STEP), round(high / STEP) + 1)]


def at(limits: tuple[float, float], share: float) -> float:
    return limits[0] + share * (limits[1] - limits[0])


def best(quality: Callable[[float], float], target: float, limits: tuple[float, float]) -> float:
    """By trying all; where none is enough, the largest that is as good as the best to a tenth."""
    mark = target if quality(steps(limits)[0]) >= target else quality(steps(limits)[0]) - 0.1
    return max(crf for crf in steps(limits) if quality(crf) >= mark)


@given(limits=RANGES, start=SHARES, target=st.floats(-5, 105), falls=st.lists(st.floats(0.001, 9), min_size=1))
def test_crf_for_finds_the_largest_that_is_enough(
    limits: tuple[float, float], start: float, target: float, falls: list[float]
) -> None:
    """For a function that falls by any amounts."""

    def quality(crf: float) -> float:
        return 100 - sum(itertools.islice(itertools.cycle(falls), round(crf / STEP)))

    asked = Asked(quality)
    crf, reached = crf_for(target, asked, at(limits, start), limits)
    assert (crf, reached) == (best(quality, target, limits), quality(crf))
    assert len(asked.crfs) == len(set(asked.crfs)) <= 2 * MOST
    assert set(asked.crfs) <= set(steps(limits))


@given(
    limits=RANGES,
    start=SHARES,
    target=st.floats(20, 99),
    curve=st.tuples(st.floats(90, 100), st.floats(0.02, 2), st.floats(1, 3)),
)
def test_crf_for_asks_seldom_where_quality_falls_smoothly(
    limits: tuple[float, float], start: float, target: float, curve: tuple[float, float, float]
) -> None:
    """The function bends as VMAF over crf does, slowly at first."""
    top, slope, bend = curve
    asked = Asked(lambda crf: top - slope * 51 * (crf / 51) ** bend)
    crf, _ = crf_for(target, asked, at(limits, start), limits)
    assert crf == best(asked.quality, target, limits)
    assert len(asked.crfs) <= (MOST if asked.quality(limits[0]) >= target else 2 * MOST)


@given(limits=RANGES, start=SHARES, target=st.floats(20, 99), noise=st.lists(st.floats(-0.2, 0.2), min_size=1))
def test_crf_for_ends_close_by_where_quality_does_not_always_fall(
    limits: tuple[float, float], start: float, target: float, noise: list[float]
) -> None:
    """With noise of 0.2 on a fall of 0.5 a step it is within 2 steps of what it would be without."""

    def smooth(crf: float) -> float:
        return 100 - crf

    asked = Asked(lambda crf: smooth(crf) + noise[round(crf / STEP) % len(noise)])
    crf, reached = crf_for(target, asked, at(limits, start), limits)
    assert reached == asked.quality(crf)
    assert reached >= min(target, asked.quality(limits[0]) - 0.1)
    assert abs(crf - best(smooth, target, limits)) <= 2 * STEP
    assert len(asked.crfs) <= 2 * MOST


@given(limits=RANGES, start=st.floats(-100, 200), values=st.lists(st.floats(0, 100), min_size=1))
def test_crf_for_ends_whatever_it_is_told(limits: tuple[float, float], start: float, values: list[float]) -> None:
    asked = Asked(lambda crf: values[round(crf / STEP) % len(values)])
    crf, reached = crf_for(50, asked, start, limits)
    assert reached == values[round(crf / STEP) % len(values)]
    assert reached >= min(50, values[round(limits[0] / STEP) % len(values)] - 0.1)
    assert len(asked.crfs) == len(set(asked.crfs)) <= 2 * MOST


@pytest.mark.parametrize("level", [0.0, 50.0, 100.0])
def test_crf_for_takes_a_quality_that_stays_the_same(level: float) -> None:
    asked = Asked(lambda crf: level)
    assert crf_for(50, asked, 20, (0, 51)) == (51, level)
    assert len(asked.crfs) <= 2 * MOST


def test_crf_for_gives_the_best_where_none_is_enough() -> None:
    assert crf_for(99, lambda crf: 90 - crf, 30, (1, 63)) == (1, 89)


def test_crf_for_takes_five_looks_at_a_curve_like_vmafs() -> None:
    """Of x264 on photographs: 98 at crf 10, 94.5 at 18, 85 at 26, 60 at 38."""
    asked = Asked(lambda crf: 100 / (1 + math.exp((crf - 40) / 7.5)) ** 0.9)
    crf_for(93, asked, 18, (0, 51))
    assert len(asked.crfs) <= 5


@given(count=st.integers(0, 500), wanted=st.integers(1, 20))
def test_spread_picks_in_order_and_evenly(count: int, wanted: int) -> None:
    picked = list(spread(count, wanted))
    assert len(picked) == min(count, wanted)
    assert picked == sorted(set(picked))
    assert all(0 <= index < count for index in picked)
    gaps = [b - a for a, b in itertools.pairwise(picked)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@given(count=st.integers(9, 500), wanted=st.integers(1, 4))
def test_spread_leaves_out_the_ends(count: int, wanted: int) -> None:
    picked = spread(count, wanted)
    assert picked[0] > 0
    assert picked[-1] < count - 1
