"""Which beats of a section pictures change on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.media.bar_cuts import picked


def bars(*lengths: int) -> list[int]:
    return [place for length in lengths for place in range(1, length + 1)]


@pytest.mark.parametrize(
    ("positions", "count", "wanted"),
    [
        (bars(4, 4, 4), 4, [0, 4, 8]),
        (bars(4, 4, 4, 4), 8, [0, 8]),
        (bars(4, 4), 2, [0, 2, 4, 6]),
        (bars(4, 4), 1, list(range(8))),
        (bars(3, 3, 3), 3, [0, 3, 6]),
        (bars(3, 3), 2, [0, 2, 4]),
        (bars(4, 4, 4), 3, [0, 3, 6, 9]),
        (bars(3, 3, 3), 4, [0, 3, 6]),
        (bars(3, 3, 3, 3), 8, [0, 9]),
        (bars(5, 5), 4, [0, 5]),
        (bars(7, 7), 8, [0, 7]),
        (bars(8, 8), 4, [0, 4, 8, 12]),
        ([3, 4, *bars(4, 4)], 4, [0, 2, 6]),
        ([3, 4, *bars(4, 4)], 2, [0, 2, 4, 6, 8]),
        (bars(4, 5, 4), 4, [0, 4, 9]),
        (bars(4, 3, 4), 2, [0, 2, 4, 6, 7, 9]),
        (bars(4, 12, 4, 4), 4, [0, 4, 8, 12, 16, 20]),
        ([0] * 9, 4, [0, 4, 8]),
        ([2, 3, 4], 4, [0]),
        ([], 4, []),
    ],
)
def test_picked_beats(positions: list[int], count: int, wanted: list[int]) -> None:
    assert picked(positions, count) == wanted


@given(st.lists(st.integers(0, 7), min_size=1, max_size=60), st.integers(1, 20))
def test_picked_beats_are_in_order_from_the_first_one(positions: list[int], count: int) -> None:
    found = picked(positions, count)
    assert found[0] == 0
    assert found == sorted(set(found))
    assert found[-1] < len(positions)
