"""What a request for videos does to the queue: what stands already, what fits, what is queued anew.

Functions of values, the same wherever the queue is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qmv.service.queue.board import Limits, Refused
from qmv.service.queue.jobs import OPEN, Job, Order, Session, Video

__all__ = ["KEYS_S", "asked_again", "queued", "room", "stands"]

KEYS_S = 86400.0  # how long a client's Idempotency-Key is known


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
    if there.status in OPEN:
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
    session: str, jobs: Mapping[int, Job], openly: int, limits: Limits, now: float, *, call: str = ""
) -> dict[int, Job]:
    """The jobs of a session that failed or were cancelled, queued anew; raises Refused where they do not fit, or where
    others are being cancelled, which would be left out."""
    _not_being_cancelled(session, jobs)
    missing = {n: job for n, job in jobs.items() if job.video.status in ("failed", "cancelled")}
    room(openly, len(missing), limits)
    anew = {n: _anew(n, job.order, job, job.priority, now) for n, job in missing.items()}
    return {n: replace(job, unknown=missing[n].unknown, call=call) for n, job in anew.items()}


def _anew(n: int, order: Order, before: Job | None, priority: int, now: float) -> Job:
    if before and before.order == order and not before.unknown and before.video.status == "finished":
        return before
    attempt = before.video.attempt if before else 0
    video = Video(n=n, title=order.title, style=order.style, attempt=attempt, queued_at=now)
    return Job(order=order, video=video, priority=priority)
