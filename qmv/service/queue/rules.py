"""The rules of the queue: who is next, and what becomes of a job. Functions of values, the same wherever it is kept.

    queued -> running -> finished | failed | cancelled
       ^---------'  a lost worker, one that leaves, a failure that is worth another try

Only tickets of open jobs are looked at to find the next one, so a long history costs nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from qmv.live.progress import Live
from qmv.service.queue.board import Counts, Limits, Refused, Word
from qmv.service.queue.jobs import Order, Session, Video

__all__ = [
    "KEYS_S", "Job", "Ticket", "asked_again", "back_off_s", "called_off", "chosen", "claimed", "counted", "counts",
    "failed", "finished", "given_back", "lease_over", "longest_lease_s", "lost", "queued", "ready", "room", "spared_s",
    "stands", "told", "unbroken", "withdrawn",
]  # fmt: skip

KEYS_S = 86400.0  # how long a client's Idempotency-Key is known
_FIRST_S, _FACTOR, _LONGEST_S = 5.0, 4, 600.0  # of the waits between two tries
_OPEN = "queued", "running"
_SPARED = 3  # the part of a lease for which who speaks late is waited for, where nobody else wants the job
_LEASES = 4  # so far ahead no lease ends, unless the clock was set back; workers may have somewhat different ones


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that is kept of one video: what anybody may see of it, and what only the queue knows.

    `due`: a queued one may run from then on (0.0: at once), a running one's lease ends then. `token` is the last
    claim's, '' where it was taken away. Each claim has an attempt of its own, `failures` and `losses` are those that
    count. `unknown` is what the order of another version of QMV has beside: only a worker of that one can make it.
    """

    order: Order
    video: Video
    priority: int = 5
    due: float = 0.0
    token: str = ""
    failures: int = 0
    losses: int = 0
    cancelling: bool = False
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.video.status in _OPEN

    @property
    def running(self) -> bool:
        return self.video.status == "running"


class Ticket(NamedTuple):
    """What decides of an open job when it runs."""

    session: str
    n: int
    priority: int
    queued_at: float
    due: float
    running: bool


# -- who is next -----------------------------------------------------------------------------------------------------


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


def longest_lease_s(limits: Limits) -> float:
    """A lease that ends later than so many seconds from now was given before the clock was set back."""
    return _LEASES * limits.lease_s


def spared_s(limits: Limits) -> float:
    """How long after the end of its lease a job is taken from its worker where no other claims it."""
    return limits.lease_s / _SPARED


def _waits(ticket: Ticket, now: float) -> bool:
    """Nobody can have it before its time, which for a queued one is never further ahead than the longest back-off:
    where it is, the clock was set back."""
    return now < ticket.due <= (math.inf if ticket.running else now + _LONGEST_S)


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


# -- what becomes of a job -------------------------------------------------------------------------------------------


def claimed(job: Job, token: str, limits: Limits, now: float) -> Job:
    """Its attempt is one that it never had before, so it has a folder to itself."""
    video = replace(
        job.video, status="running", attempt=job.video.attempt + 1, live=Live(), retry_at=None, started_at=now,
    )  # fmt: skip
    return replace(job, video=video, token=token, due=now + limits.lease_s)


def told(job: Job, live: Live, limits: Limits, now: float) -> tuple[Job, Word]:
    """A lease that has run out is renewed, too, as long as nobody else has the job."""
    job = replace(job, video=replace(job.video, live=live), due=now + limits.lease_s)
    return job, Word.CANCEL if job.cancelling else Word.GO_ON


def finished(job: Job, result: Mapping[str, Any], now: float) -> Job:
    """Also where it was to be cancelled: the video is there."""
    video = replace(job.video, live=replace(job.video.live, percent=100.0, left_s=None), error="", result={**result})
    return _closed(replace(job, video=video), "finished", now)


def failed(job: Job, error: str, limits: Limits, now: float, *, again: bool) -> Job:
    """With `again` it waits for the next try, unless there were too many; what was to be cancelled is cancelled."""
    if job.cancelling:
        return withdrawn(job, now)
    job = replace(job, failures=job.failures + 1, video=replace(job.video, error=error))
    if again and job.failures < limits.attempts:
        return _waiting(job, now + back_off_s(job.failures), retry=True)
    return _closed(replace(job, video=replace(job.video, parked=again)), "failed", now)


def back_off_s(failures: int) -> float:
    """How long a job waits after so many failures: 5 s, 20 s, 80 s ... 10 minutes."""
    return min(_LONGEST_S, _FIRST_S * float(_FACTOR) ** min(failures - 1, 10))


def lost(job: Job, limits: Limits, now: float) -> Job:
    """Its lease has run out; the worker that had it has nothing more to say."""
    job = replace(job, losses=job.losses + 1, token="")
    if job.cancelling:
        return withdrawn(job, now)
    if job.losses < limits.losses:
        return _waiting(job)
    before = f", after the error: {job.video.error.rstrip('.')}" if job.video.error else ""
    error = (
        f"workers: {job.losses} of them ended while they made this video{before}; look into their logs, most often "
        "memory is too small, and ask for it again."
    )
    return _closed(replace(job, video=replace(job.video, error=error, parked=True)), "failed", now)


def lease_over(job: Job, limits: Limits, now: float) -> Job:
    """A running job is lost where its lease has run out. One that ends too far ahead, since the clock was set back,
    ends a lease from now: whoever still has it renews that one."""
    if job.due <= now:
        return lost(job, limits, now)
    return replace(job, due=now + limits.lease_s) if job.due > now + longest_lease_s(limits) else job


def given_back(job: Job, now: float) -> Job:
    return withdrawn(job, now) if job.cancelling else _waiting(job)


def called_off(job: Job, now: float) -> Job:
    """Nobody wants it any more: a running one's worker is told, the others close, also what has lost its worker."""
    if job.video.status == "queued":
        return withdrawn(job, now)
    if job.running and job.due <= now:
        return withdrawn(replace(job, token=""), now)
    return replace(job, cancelling=True) if job.running else job


def withdrawn(job: Job, now: float) -> Job:
    return _closed(job, "cancelled", now)


def unbroken(places: Iterable[int]) -> int:
    """How many places there are from 0 on without a gap."""
    there = {*places}
    return next(count for count in range(len(there) + 1) if count not in there)


def counted(before: Job | None, after: Job) -> list[str]:
    """The totals that a step adds one to."""
    if before is None or (after.open and not before.open):
        return ["submitted"]
    names = [after.video.status] if before.open and not after.open else []
    names += ["parked"] if after.video.parked and not before.video.parked else []
    names += ["lost"] if after.losses > before.losses else []
    return names + (["retried"] if after.failures > before.failures and after.open else [])


def _waiting(job: Job, due: float = 0.0, *, retry: bool = False) -> Job:
    video = replace(job.video, status="queued", live=Live(), started_at=None, retry_at=due if retry else None)
    return replace(job, video=video, due=due)


def _closed(job: Job, status: str, now: float) -> Job:
    return replace(job, video=replace(job.video, status=status, retry_at=None, ended_at=now), cancelling=False)


# -- what is asked for -----------------------------------------------------------------------------------------------


def stands(
    session: str,
    digest: str,
    before: tuple[Session, str] | None,
    known: tuple[str, str] | None,
    jobs: Mapping[int, Job] | None = None,
) -> Session | None:
    """The session where a request changes nothing, None where it is to be queued; raises Refused.

    `before` is what stands under this ID, with its digest, and `jobs` its jobs; `known` what the client's key was used
    for: ID and digest. The same key is a request that was sent again, so its answer is what became of the first one,
    also where that was cancelled. Without it nobody is told "running" of what is about to end for good.
    """
    if known and known != (session, digest):
        raise Refused(
            "key", "Idempotency-Key: it came with another request before; give each request a key of its own."
        )
    if before is None:
        return None
    there, of = before
    if not known:
        _not_being_cancelled(session, jobs or {})
    if of == digest and (known or there.status not in ("failed", "cancelled")):
        return there
    if there.status in _OPEN:
        cure = "wait until they are done, cancel the session, or take another session ID"
        raise Refused("open", f"session {session}: other videos of it are in work; {cure}.")
    if there.status == "finished":
        raise Refused("done", f"session {session}: it has finished other videos; take another session ID.")
    return None


def _not_being_cancelled(session: str, jobs: Mapping[int, Job]) -> None:
    if any(job.running and job.cancelling for job in jobs.values()):
        raise Refused("open", f"session {session}: is being cancelled; ask again in some seconds.")


def room(openly: int, more: int, limits: Limits) -> None:
    """Raises Refused where so many more open jobs are too many."""
    if openly + more > limits.open:
        raise Refused(
            "full",
            f"queue: {openly} of at most {limits.open} videos wait or are in work, {more} more do not fit; ask again "
            "later, or for fewer videos.",
        )


def queued(orders: Sequence[Order], before: Mapping[int, Job], priority: int, now: float) -> dict[int, Job]:
    """A job for each order, from 1 on. What was finished before by the same order stays as it is, and no attempt is
    ever counted twice."""
    return {n: _anew(n, order, before.get(n), priority, now) for n, order in enumerate(orders, start=1)}


def asked_again(
    session: str, jobs: Mapping[int, Job], openly: int, limits: Limits, now: float
) -> dict[int, Job]:  # fmt: skip
    """The jobs of a session that failed or were cancelled, queued anew; raises Refused where they do not fit, or where
    others are being cancelled, which would be left out."""
    _not_being_cancelled(session, jobs)
    missing = {n: job for n, job in jobs.items() if job.video.status in ("failed", "cancelled")}
    room(openly, len(missing), limits)
    anew = {n: _anew(n, job.order, job, job.priority, now) for n, job in missing.items()}
    return {n: replace(job, unknown=missing[n].unknown) for n, job in anew.items()}


def _anew(n: int, order: Order, before: Job | None, priority: int, now: float) -> Job:
    if before and before.order == order and not before.unknown and before.video.status == "finished":
        return before
    attempt = before.video.attempt if before else 0
    video = Video(n=n, title=order.title, style=order.style, attempt=attempt, queued_at=now)
    return Job(order=order, video=video, priority=priority)
