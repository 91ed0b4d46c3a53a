"""A worker's half of the queue in Redis, and how each change of it is written.

Whoever changes a session watches its hash, and the tickets where it depends on them; telling how far a job is moves
only its lease, so that it is in no claim's way. The same transaction writes the keys of `qmv.live.session_keys`.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from qmv.live import session_keys
from qmv.service.queue import steps, turns
from qmv.service.queue.jobs import Claim, Job
from qmv.service.queue.kept_jobs import Change, KeptJobs, can_make, spoilt
from qmv.service.queue.redis_keys import (
    CLOSED_AT,
    LEASES,
    TICKETS,
    TOTALS,
    WORKERS,
    Kept,
    all_tickets,
    kept_of,
    member_of,
    next_version,
    pictures_of,
    place_of,
    session_of,
    text_of,
    write_job,
)
from qmv.service.queue.redis_views import RedisViews
from qmv.service.queue.turns import Ticket

__all__ = ["RedisWork"]

log = logging.getLogger("qmv")

T = TypeVar("T")


class RedisWork(RedisViews, KeptJobs):
    """What workers say and ask."""

    def claim(self, worker: str) -> Claim | None:
        with self._link.reached() as client:
            now = self._now(client)
            client.zadd(WORKERS, {worker: now})
            late = self._late(client, now)
        for member in late:
            self._lose(member)

        token, tried, others = uuid.uuid4().hex, list[Ticket](), set[tuple[str, int]]()

        def step(pipe: Any) -> Claim | str | None:
            for ticket in tried[-1:]:  # where it was done, and the answer got lost on its way, it is ours
                kept = kept_of(ticket.session, pipe.hgetall(session_of(ticket.session)))
                if kept and (job := kept.jobs.get(ticket.n)) and job.token == token and job.running:
                    return self._claim(ticket, job)
            now = self._now(pipe)
            tickets = [ticket for ticket in all_tickets(pipe) if (ticket.session, ticket.n) not in others]
            if found := turns.chosen(tickets, self.limits, now):
                tried.append(found)
            return self._take(pipe, found, token, now) if found else None

        while isinstance(found := self._link.change([TICKETS], step), str):
            others.add((tried[-1].session, tried[-1].n))
            if found:
                log.warning("queue: %s cannot be read, and waits no more", found)
        return found

    def take_back(self) -> None:
        with self._link.reached() as client:
            late = self._late(client, self._now(client), steps.spared_s(self.limits))
        for member in late:
            self._lose(member)

    def _take(self, pipe: Any, ticket: Ticket, token: str, now: float) -> Claim | str:
        """The claim; what nobody can read is put aside and gives its name, what waits for another version ''."""
        session, n = ticket.session, ticket.n
        pipe.watch(session_of(session))
        hashed = pipe.hgetall(session_of(session))
        kept = kept_of(session, hashed)
        job = kept.jobs.get(n) if kept else None
        if not can_make(session, job) if job else not spoilt(hashed.get(str(n).encode())):
            return ""
        pipe.multi()
        if kept is None or job is None or job.video.status != "queued":
            pipe.hdel(TICKETS, member_of(session, n))
            return f"video {n} of session {session}"
        job = steps.claimed(job, token, self.limits, now)
        self._write(pipe, session, kept, {n: job}, now)
        return self._claim(ticket, job)

    def _claim(self, ticket: Ticket, job: Job) -> Claim:
        return Claim(
            session=ticket.session, n=ticket.n, token=job.token, order=job.order, attempt=job.video.attempt,
            lease_s=self.limits.lease_s,
        )  # fmt: skip

    def _late(self, client: Any, now: float, spared_s: float = 0.0) -> list[str]:
        """Whose lease has run out, or ends too far ahead."""
        late = client.zrangebyscore(LEASES, "-inf", now - spared_s)
        late += client.zrangebyscore(LEASES, f"({now + steps.longest_lease_s(self.limits)}", "+inf")
        return [text_of(member) for member in late]

    def _lose(self, member: str) -> None:
        """Takes a job away from a worker whose lease has run out, unless it has been renewed by now. A job of another
        version stays as it is, for workers of that one."""
        session, n = place_of(member)

        def step(pipe: Any) -> None:
            hashed, now = pipe.hgetall(session_of(session)), self._now(pipe)
            kept = kept_of(session, hashed)
            job = kept.jobs.get(n) if kept else None
            pipe.multi()
            if job is None and not spoilt(hashed.get(str(n).encode())):
                return
            if kept is None or job is None or not job.running:  # spoilt by others, and it must not come back for ever
                pipe.zrem(LEASES, member)
                if job is None or not job.open:  # another worker may have queued it again by now
                    pipe.hdel(TICKETS, member)
            elif (after := steps.lease_over(job, self.limits, now)) != job:
                self._write(pipe, session, kept, {n: after}, now)

        self._link.change([session_of(session)], step)

    def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
        session, n = claim.session, claim.n

        def step(pipe: Any) -> None:
            kept = kept_of(session, pipe.hgetall(session_of(session)))
            job = kept.jobs.get(n) if kept else None
            if kept is None or job is None or job.token != claim.token or not job.running:
                return
            places = [int(place) for place in pipe.hkeys(pictures_of(session, n))]
            video, now = replace(job.video, pictures=steps.unbroken([*places, index])), self._now(pipe)
            pipe.multi()
            pipe.hset(pictures_of(session, n), str(index), jpeg)
            self._write(pipe, session, kept, {n: replace(job, video=video)}, now)

        self._link.change([session_of(session)], step)

    def seen(self, worker: str) -> None:
        with self._link.reached() as client:
            client.zadd(WORKERS, {worker: self._now(client)})

    # -- how it is kept ----------------------------------------------------------------------------------------------

    def _change(self, session: str, change: Change[T]) -> T | None:
        def step(pipe: Any) -> T | None:
            kept = kept_of(session, pipe.hgetall(session_of(session)))
            if kept is None:
                return None
            now = self._now(pipe)
            after, answer = change(kept.jobs, now)
            pipe.multi()
            self._write(pipe, session, kept, after, now)
            return answer

        return self._link.change([session_of(session)], step)

    def _write(self, pipe: Any, session: str, kept: Kept, after: Mapping[int, Job], now: float) -> None:
        """Writes what has changed; what nobody can see raises no version."""
        before, totals = kept.jobs, Counter[str]()
        for n, job in after.items():
            totals.update(steps.counted(before.get(n), job))
            write_job(pipe, session, before.get(n), job)
        if all(n in before and before[n].video == job.video for n, job in after.items()):
            return
        for name, count in totals.items():
            pipe.hincrby(TOTALS, name, count)
        next_version(pipe, session)
        shown = replace(kept, jobs={**kept.jobs, **after}).shown(session)
        if any(video.status in ("queued", "running") for video in shown.videos):
            pipe.zrem(CLOSED_AT, session)
        else:
            pipe.zadd(CLOSED_AT, {session: now})
        results = [{"n": v.n, "title": v.title, **v.result} for v in shown.videos if v.result is not None]
        session_keys.write(
            pipe, session, status=shown.status, percent=shown.percent, results=results, error=shown.error,
            keep_s=self.limits.keep_s,
        )  # fmt: skip
