"""Questions that may never be answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from qmv.objects.waiting import in_time, side_by_side


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Ends what was given up."""
    event = threading.Event()
    yield event
    event.set()


def nothing() -> int:
    return 0


def test_answer_that_comes_in_time_is_given() -> None:
    assert in_time(lambda: 7, 60) == 7


def test_error_of_a_question_is_raised_here() -> None:
    with pytest.raises(ValueError, match="of the question"):
        in_time(lambda: int("of the question"), 60)


def test_question_without_an_answer_is_given_up(over: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        in_time(over.wait, 0.05)


def test_all_items_are_done_by_so_many_threads() -> None:
    together = threading.Barrier(4)

    def do(number: int) -> int:
        together.wait(60)  # needs four at a time
        return number * number

    found = side_by_side(do, range(40), threads=4, came=nothing, silence_s=60)
    assert sorted(found) == [number * number for number in range(40)]


def test_no_items_are_no_question() -> None:
    assert list(side_by_side(lambda item: item, [], threads=4, came=nothing, silence_s=0)) == []


def test_what_ended_before_the_silence_is_given(over: threading.Event) -> None:
    found: list[int] = []
    looks: list[int] = []

    def came() -> int:
        """More and more, until three are here."""
        looks.extend([0] if len(found) < 3 else [])
        return len(looks)

    asked = side_by_side(
        lambda item: item if item else int(over.wait()), [1, 2, 0, 3], threads=2, came=came, silence_s=0.1
    )
    while len(found) < 3:
        found.append(next(asked))
    with pytest.raises(TimeoutError):
        next(asked)
    assert sorted(found) == [1, 2, 3]


def test_bytes_that_come_are_no_silence() -> None:
    """Ten looks, each with as much as is asked for, and then the answer."""
    looks: list[int] = []
    done = threading.Event()

    def came() -> int:
        looks.append(0)
        if len(looks) > 10:
            done.set()
        return 5 * len(looks)

    assert list(side_by_side(lambda _: done.wait(60), [0], threads=1, came=came, silence_s=0.05, least=5)) == [True]
