"""Who is next in the queue, and how many could be. Functions of values, the same wherever the queue is kept.

Only tickets of open jobs are looked at to find the next one, so a long history costs nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from qmv.service.queue.board import Counts, Limits
from qmv.service.queue.steps import LONGEST_BACK_OFF_S, longest_lease_s

__all__ = ["Ticket", "chosen", "counts", "ready"]


class Ticket(NamedTuple):
    """What decides of an open job when it runs."""

    session: str
    n: int
    priority: int
    queued_at: float
    due: float
    running: bool


def chosen(tickets: Iterable[Ticket], limits: Limits, now: float) -> Ticket | None:
    """The queued job that runs next: priority, then age, then place in its session. Lost ones are queued before."""
    tickets = [*tickets]
    inside = _sessions_with_room(tickets, limits, now)
    free = (
        ticket for ticket in tickets if not ticket.running and not _waits(ticket, now) and inside(ticket.session) > 0
    )
    return min(free, key=lambda ticket: (-ticket.priority, ticket.queued_at, ticket.n, ticket.session), default=None)


def ready(tickets: Iterable[Ticket], limits: Limits, now: float) -> int:
    """How many of them could be running now, beside those that are; what has lost its worker is among them."""
    tickets = [*tickets]
    inside = _sessions_with_room(tickets, limits, now)
    too_long = now + longest_lease_s(limits)  # a claim is wanted that ends such a lease earlier
    wanted = Counter(
        ticket.session
        for ticket in tickets
        if not _waits(ticket, now) or (ticket.running and too_long < ticket.due < math.inf)
    )
    could = sum(min(count, inside(session)) for session, count in wanted.items())
    return max(0, min(could, limits.running - _held(tickets, now).total())) if limits.running else could


def counts(tickets: Iterable[Ticket], now: float) -> Counts:
    """Of the open jobs; what has lost its worker is waiting again."""
    tickets = [*tickets]
    running = _held(tickets, now).total()
    oldest = min((max(ticket.due, ticket.queued_at) for ticket in tickets if not _waits(ticket, now)), default=now)
    return Counts(queued=len(tickets) - running, running=running, oldest_s=max(0.0, now - oldest))


def _waits(ticket: Ticket, now: float) -> bool:
    """Nobody can have it before its time, which for a queued one is never further ahead than the longest back-off:
    where it is, the clock was set back."""
    return now < ticket.due <= (math.inf if ticket.running else now + LONGEST_BACK_OFF_S)


def _held(tickets: Iterable[Ticket], now: float) -> Counter[str]:
    """How many jobs of each session somebody has."""
    return Counter(ticket.session for ticket in tickets if ticket.running and ticket.due > now)


def _sessions_with_room(tickets: Sequence[Ticket], limits: Limits, now: float) -> Callable[[str], int]:
    """How many more of a session's may run, as a function of the session."""
    held = _held(tickets, now)
    if limits.running and held.total() >= limits.running:
        return lambda _: 0
    if not limits.session_running:
        return lambda _: len(tickets)
    return lambda session: max(0, limits.session_running - held[session])
