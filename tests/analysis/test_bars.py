"""Places in the bar from what is known of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.bars import bar_counts, bar_length, beats_a_bar, completed, numbered, parse_meter, rotated

COUNTS = st.integers(1, 12)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("4/4", (4, 4)), ("3/4", (3, 4)), ("7/8", (7, 8)), ("16/16", (16, 16)), ("1/1", (1, 1))],
)
def test_parse_meter_reads_what_musicians_write(text: str, wanted: tuple[int, int]) -> None:
    assert parse_meter(text) == wanted


@pytest.mark.parametrize("text", ["", "4", "4/3", "0/4", "17/4", "4/4 ", "4-4", "four/4", "-3/4", "4/32", "٤/4"])
def test_parse_meter_knows_what_is_no_meter(text: str) -> None:
    assert parse_meter(text) is None


@pytest.mark.parametrize(
    ("meter", "counts"),
    [("4/4", (4,)), ("6/4", (6,)), ("3/8", (3,)), ("7/8", (7,)), ("6/8", (2, 6)), ("9/8", (3, 9)), ("12/8", (4, 12))],
)
def test_bar_counts_takes_eighths_in_threes_together(meter: str, counts: tuple[int, ...]) -> None:
    assert bar_counts(meter) == counts


@pytest.mark.parametrize(
    ("meter", "tempo_bpm", "count"), [("6/8", 80, 2), ("6/8", 150, 2), ("6/8", 240, 6), ("4/4", 240, 4)]
)
def test_beats_a_bar_follows_the_tempo_where_a_meter_is_compound(meter: str, tempo_bpm: float, count: int) -> None:
    assert beats_a_bar(meter, tempo_bpm) == count


@given(COUNTS, st.integers(0, 39))
def test_numbered_cycles_through_the_anchor(count: int, anchor: int) -> None:
    positions = numbered([0.3 + 0.5 * beat for beat in range(40)], count, anchor)
    assert positions[anchor] == 1
    assert all(b == a % count + 1 for a, b in pairwise(positions))


def test_numbered_counts_on_through_a_break() -> None:
    times_s = [0.5 * beat for beat in range(32) if not 10 <= beat < 17]
    assert numbered(times_s, 4, 0) == tuple(beat % 4 + 1 for beat in range(32) if not 10 <= beat < 17)


@given(COUNTS, st.lists(st.integers(), min_size=1), st.data())
def test_rotated_puts_a_one_on_the_anchor(count: int, numbers: list[int], data: st.DataObject) -> None:
    positions = [number % count + 1 for number in numbers]
    anchor = data.draw(st.integers(0, len(positions) - 1))
    found = rotated(positions, count, anchor)
    assert found[anchor] == 1
    assert all((b - a - (d - c)) % count == 0 for (a, b), (c, d) in zip(pairwise(positions), pairwise(found)))


@pytest.mark.parametrize(
    ("positions", "count"), [((1, 2, 3, 1, 2, 3, 1, 2), 3), ((0, 0, 0), 0), ((1, 2, 3), 0), ((1, 0, 0, 0, 1), 4)]
)
def test_bar_length_counts_from_one_to_one(positions: tuple[int, ...], count: int) -> None:
    assert bar_length(positions) == count


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((0, 1, 0, 0, 1, 0, 0, 1, 0), (3, 1, 2, 3, 1, 2, 3, 1, 2)),
        ((0, 0, 1, 0), (0, 0, 1, 0)),
        ((1, 2, 1, 2), (1, 2, 1, 2)),
        ((), ()),
    ],
)
def test_completed_counts_between_the_ones(given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    assert completed(given) == wanted
