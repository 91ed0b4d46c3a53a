"""Who is next, by the tickets of all open jobs."""

from __future__ import annotations

import pytest

from qmv.service.queue import turns
from qmv.service.queue.board import Limits
from qmv.service.queue.turns import Ticket
from tests.service.queue.made_jobs import NOW

FREE = Limits(running=0, session_running=0)


def ticket(
    session: str = "s", n: int = 1, *, priority: int = 5, age: float = 10, due: float = -1, runs: bool = False
) -> Ticket:
    """Queued `age` seconds ago; `due` counts from now."""
    return Ticket(session, n, priority, NOW - age, NOW + due, runs)


@pytest.mark.parametrize(
    ("tickets", "best"),
    [
        ([], None),
        ([ticket("a", due=1)], None),
        ([ticket("a", due=0)], "a1"),
        ([ticket("a", runs=True, due=9)], None),
        ([ticket("a", runs=True, due=-9)], None),  # it has to be taken as lost first
        ([ticket("a", priority=5, age=99), ticket("b", priority=6, age=1)], "b1"),
        ([ticket("a", priority=9, due=1), ticket("b", priority=0)], "b1"),
        ([ticket("a", age=1), ticket("b", age=2)], "b1"),
        ([ticket("a", 2), ticket("b", 3), ticket("a", 1)], "a1"),
    ],
)
def test_priority_decides_then_age_then_place(tickets: list[Ticket], best: str | None) -> None:
    found = turns.chosen(tickets, FREE, NOW)
    assert (found and f"{found.session}{found.n}") == best


def test_no_more_run_than_the_limit_of_all() -> None:
    held = [ticket("a", n, runs=True, due=9) for n in (1, 2)]
    assert turns.chosen([*held, ticket("b")], Limits(running=2, session_running=0), NOW) is None
    assert turns.chosen([*held, ticket("b")], Limits(running=3, session_running=0), NOW) is not None


def test_a_session_at_its_limit_lets_others_pass() -> None:
    tickets = [ticket("a", 1, runs=True, due=9), ticket("a", 2, priority=9), ticket("b", priority=1)]
    found = turns.chosen(tickets, Limits(session_running=1), NOW)
    assert found is not None
    assert found.session == "b"


def test_a_lease_that_ran_out_takes_nobodys_place() -> None:
    tickets = [ticket("a", 1, runs=True, due=-1), ticket("a", 2)]
    assert turns.chosen(tickets, Limits(running=1, session_running=1), NOW) == tickets[1]


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        (FREE, 6),
        (Limits(running=3, session_running=0), 2),
        (Limits(running=1, session_running=0), 0),
        (Limits(session_running=2), 3),
        (Limits(running=2, session_running=2), 1),
    ],
)
def test_ready_counts_what_could_be_running_now(limits: Limits, count: int) -> None:
    tickets = [
        ticket("a", 1, runs=True, due=9),
        *(ticket("a", n) for n in range(2, 6)),
        ticket("b", 1, runs=True, due=-1),  # lost
        ticket("b", 2),
        ticket("b", 3, due=5),
    ]
    assert turns.ready(tickets, limits, NOW) == count


def test_the_oldest_is_what_waits_longest_since_it_could_run() -> None:
    tickets = [ticket("a", age=500, due=-20), ticket("b", age=999, due=5), ticket("c", runs=True, due=7)]
    counts = turns.counts(tickets, NOW)
    assert (counts.queued, counts.running, counts.oldest_s) == (2, 1, 20)
    assert turns.counts([*tickets, ticket("d", age=30, due=-NOW)], NOW).oldest_s == 30
