"""The queue in Redis, which the webs and workers of many machines share, and where other systems read how far it is.

    qmv:session:ID      hash: `about`, and each job under its number
    qmv:open            hash: a ticket for each open job     qmv:leases     when those of the running ones end
    qmv:versions        each session's last change, counted in qmv:version
    qmv:created, qmv:closed     when sessions began, and when the closed ones ended
    qmv:pictures:ID:N   hash: thumbnails                     qmv:key:SHA256 what a client's key was used for
    qmv:workers, qmv:totals     for metrics

Whoever changes a session watches its hash, and the tickets where it depends on them; telling how far a job is moves
only its lease, so that it is in no claim's way. The same transaction writes the keys of `qmv.live.session_keys`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from qmv.live import session_keys
from qmv.service import rules
from qmv.service.board import Counts, Limits
from qmv.service.jobs import Claim, Order, Session
from qmv.service.kept_jobs import Change, KeptJobs, packed, read
from qmv.service.redis_link import RedisLink
from qmv.service.rules import Job, Ticket

__all__ = ["RedisBoard"]

log = logging.getLogger("qmv")

T = TypeVar("T")
_OPEN, _LEASES, _VERSION, _VERSIONS = "qmv:open", "qmv:leases", "qmv:version", "qmv:versions"
_CREATED, _CLOSED, _WORKERS, _TOTALS = "qmv:created", "qmv:closed", "qmv:workers", "qmv:totals"
_ABOUT = "about"
# in a script, since the number is only known when the transaction is done, and has to rise in the order of changes
_ALL_TICKETS = "return '[' .. table.concat(redis.call('HVALS', KEYS[1]), ',') .. ']'"  # a tenth of the way of HVALS
_NEXT_VERSION = "redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[1]), ARGV[1])"


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What Redis has of a session."""

    digest: str
    created_at: float
    jobs: dict[int, Job] = field(default_factory=dict)

    def shown(self, session: str, version: int = 0) -> Session:
        videos = tuple(job.video for _, job in sorted(self.jobs.items()))
        return Session(id=session, created_at=self.created_at, version=version, videos=videos)


class RedisBoard(KeptJobs):
    """A Board in Redis, which tells the time, too."""

    def __init__(self, url: str, limits: Limits, clock: Callable[[], float] | None = None) -> None:
        self.limits, self._link, self._clock = limits, RedisLink(url), clock

    def durable(self) -> str:
        """What to mend where Redis may forget, in one sentence; '' where it keeps all, or doesn't tell."""
        return self._link.durable()

    # -- for the web -------------------------------------------------------------------------------------------------

    def submit(
        self, session: str, orders: Sequence[Order], *, digest: str, key: str = "", priority: int = 5
    ) -> tuple[Session, bool]:
        used = f"qmv:key:{hashlib.sha256(key.encode()).hexdigest()}"

        def step(pipe: Any) -> tuple[Session, bool]:
            known = _known(pipe.get(used)) if key else None
            kept, now = _read(session, pipe.hgetall(_session(session))), self._now(pipe)
            before = kept.jobs if kept else {}
            standing = rules.stands(session, digest, (kept.shown(session), kept.digest) if kept else None, known)
            jobs = {} if standing else rules.queued(orders, before, priority, now)
            if jobs:
                rules.room(pipe.hlen(_OPEN), sum(job.open for job in jobs.values()), self.limits)
            pipe.multi()
            if key and not known:
                pipe.set(used, json.dumps([session, digest]), ex=int(rules.KEYS_S))
            if standing:
                return standing, False
            _drop(pipe, session, before, keep=[n for n, job in jobs.items() if not job.open])
            pipe.hset(_session(session), _ABOUT, json.dumps({"digest": digest, "created_at": now}))
            pipe.zadd(_CREATED, {session: now})
            stays = {n: job for n, job in before.items() if n in jobs}
            self._write(pipe, session, _Kept(digest=digest, created_at=now, jobs=stays), jobs, now)
            return _Kept(digest=digest, created_at=now, jobs=jobs).shown(session), True

        shown, began = self._link.change([_session(session), used, _OPEN], step)
        return self.session(session) or shown, began

    def cancel(self, session: str) -> Session | None:
        return self.session(session) if self._called_off(session) else None

    def session(self, session: str) -> Session | None:
        return next(iter(self._shown([session])), None)

    def sessions(self, most: int) -> list[Session]:
        with self._link.reached() as client:
            latest = [_text(name) for name in client.zrevrange(_CREATED, 0, most - 1)] if most > 0 else []
        return self._shown(latest)

    def _shown(self, sessions: Sequence[str]) -> list[Session]:
        with self._link.reached() as client, client.pipeline() as pipe:
            for session in sessions:
                pipe.hgetall(_session(session))
                pipe.zscore(_VERSIONS, session)
            told = pipe.execute()
        return [
            kept.shown(session, int(version or 0))
            for session, hashed, version in zip(sessions, told[::2], told[1::2])
            if (kept := _read(session, hashed))
        ]

    def changes(self, since: int) -> tuple[int, list[str]]:
        with self._link.reached() as client, client.pipeline() as pipe:
            pipe.get(_VERSION)
            pipe.zrangebyscore(_VERSIONS, f"({since}", "+inf")
            newest, names = pipe.execute()
        if since > int(newest or 0):  # Redis was emptied
            return self.changes(0)
        return int(newest or 0), [_text(name) for name in names]

    def picture(self, session: str, n: int, index: int) -> bytes | None:
        with self._link.reached() as client:
            found = client.hget(_pictures(session, n), str(index))
            return None if found is None else bytes(found)

    def phase(self, session: str, phase: int) -> dict[str, Any] | None:
        whats = ("status", "progress", "results", "error")
        with self._link.reached() as client:
            values = client.mget([session_keys.key(session, what, phase) for what in whats])
        if not any(value is not None for value in values):
            return None
        told = {what: None if value is None else _text(value) for what, value in zip(whats, values)}
        return {**told, "progress": _number(told["progress"]), "results": _plain(told["results"])}

    # -- for workers -------------------------------------------------------------------------------------------------

    def claim(self, worker: str) -> Claim | None:
        with self._link.reached() as client:
            now = self._now(client)
            client.zadd(_WORKERS, {worker: now})
            late = [_text(member) for member in client.zrangebyscore(_LEASES, "-inf", now)]
        for member in late:
            self._lose(member)

        def step(pipe: Any) -> Claim | str | None:
            now = self._now(pipe)
            ticket = rules.chosen(_tickets(pipe), self.limits, now)
            return self._take(pipe, ticket, now) if ticket else None

        while isinstance(found := self._link.change([_OPEN], step), str):
            log.warning("queue: %s cannot be read, and waits no more", found)
        return found

    def _take(self, pipe: Any, ticket: Ticket, now: float) -> Claim | str:
        """The claim; what cannot be read is put aside and gives its name."""
        session, n, token = ticket.session, ticket.n, uuid.uuid4().hex
        pipe.watch(_session(session))
        kept = _read(session, pipe.hgetall(_session(session)))
        pipe.multi()
        if kept is None or n not in kept.jobs or kept.jobs[n].video.status != "queued":
            pipe.hdel(_OPEN, _member(session, n))
            return f"video {n} of session {session}"
        job = rules.claimed(kept.jobs[n], token, self.limits, now)
        self._write(pipe, session, kept, {n: job}, now)
        return Claim(
            session=session, n=n, token=token, order=job.order, attempt=job.video.attempt, lease_s=self.limits.lease_s,
        )  # fmt: skip

    def _lose(self, member: str) -> None:
        """Takes a job away from a worker whose lease has run out, unless it has been renewed by now."""
        session, n = _of(member)

        def step(pipe: Any) -> None:
            kept, now = _read(session, pipe.hgetall(_session(session))), self._now(pipe)
            job = kept.jobs.get(n) if kept else None
            pipe.multi()
            if kept is None or job is None or not job.running:  # spoilt by others, and it must not come back for ever
                pipe.zrem(_LEASES, member)
                pipe.hdel(_OPEN, member)
            elif job.due <= now:
                self._write(pipe, session, kept, {n: rules.lost(job, self.limits, now)}, now)

        self._link.change([_session(session)], step)

    def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
        session, n = claim.session, claim.n

        def step(pipe: Any) -> None:
            kept = _read(session, pipe.hgetall(_session(session)))
            job = kept.jobs.get(n) if kept else None
            if kept is None or job is None or job.token != claim.token or not job.running:
                return
            places = [int(place) for place in pipe.hkeys(_pictures(session, n))]
            video, now = replace(job.video, pictures=rules.unbroken([*places, index])), self._now(pipe)
            pipe.multi()
            pipe.hset(_pictures(session, n), str(index), jpeg)
            self._write(pipe, session, kept, {n: replace(job, video=video)}, now)

        self._link.change([_session(session)], step)

    def seen(self, worker: str) -> None:
        with self._link.reached() as client:
            client.zadd(_WORKERS, {worker: self._now(client)})

    # -- for who looks after it --------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        tickets, now = self._all_tickets()
        with self._link.reached() as client:
            workers = client.zcount(_WORKERS, f"({now - self.limits.lease_s}", "+inf")
            totals = {_text(name): int(count) for name, count in client.hgetall(_TOTALS).items()}
        return replace(rules.counts(tickets, now), workers=workers, totals=totals)

    def due(self) -> int:
        tickets, now = self._all_tickets()
        return rules.ready(tickets, self.limits, now)

    def _all_tickets(self) -> tuple[list[Ticket], float]:
        with self._link.reached() as client:
            leases = {_text(member): due for member, due in client.zrange(_LEASES, 0, -1, withscores=True)}
            return _tickets(client, leases), self._now(client)

    def forget(self) -> list[str]:
        with self._link.reached() as client:
            now = self._now(client)
            client.zremrangebyscore(_WORKERS, "-inf", now - rules.KEYS_S)
            old = client.zrangebyscore(_CLOSED, "-inf", now - self.limits.keep_s)
        return [session for session in map(_text, old) if self._forgotten(session, now)]

    def _forgotten(self, session: str, now: float) -> bool:
        def step(pipe: Any) -> bool:
            closed_at = pipe.zscore(_CLOSED, session)
            if closed_at is None or closed_at > now - self.limits.keep_s:  # it was asked for again
                return False
            names = [int(name) for name in pipe.hkeys(_session(session)) if _text(name).isdigit()]
            pipe.multi()
            _drop(pipe, session, names)
            for what in ("status", "progress", "results", "error"):
                pipe.delete(session_keys.key(session, what))
            for kept in (_VERSIONS, _CREATED, _CLOSED):
                pipe.zrem(kept, session)
            return True

        return self._link.change([_session(session)], step)

    def close(self) -> None:
        self._link.close()

    # -- how it is kept ----------------------------------------------------------------------------------------------

    def _now(self, client: Any) -> float:
        if self._clock:
            return self._clock()
        seconds, microseconds = client.time()
        return float(seconds) + float(microseconds) / 1e6

    def _change(self, session: str, change: Change[T]) -> T | None:
        def step(pipe: Any) -> T | None:
            kept = _read(session, pipe.hgetall(_session(session)))
            if kept is None:
                return None
            now = self._now(pipe)
            after, answer = change(kept.jobs, now)
            pipe.multi()
            self._write(pipe, session, kept, after, now)
            return answer

        return self._link.change([_session(session)], step)

    def _write(self, pipe: Any, session: str, kept: _Kept, after: Mapping[int, Job], now: float) -> None:
        """Writes what has changed; what nobody can see raises no version."""
        before, totals = kept.jobs, Counter[str]()
        for n, job in after.items():
            totals.update(rules.counted(before.get(n), job))
            _write_job(pipe, session, before.get(n), job)
        if all(n in before and before[n].video == job.video for n, job in after.items()):
            return
        for name, count in totals.items():
            pipe.hincrby(_TOTALS, name, count)
        pipe.eval(_NEXT_VERSION, 2, _VERSION, _VERSIONS, session)
        shown = replace(kept, jobs={**kept.jobs, **after}).shown(session)
        if any(video.status in ("queued", "running") for video in shown.videos):
            pipe.zrem(_CLOSED, session)
        else:
            pipe.zadd(_CLOSED, {session: now})
        results = [{"n": v.n, "title": v.title, **v.result} for v in shown.videos if v.result is not None]
        session_keys.write(
            pipe, session, status=shown.status, percent=shown.percent, results=results, error=shown.error,
            keep_s=self.limits.keep_s,
        )  # fmt: skip


def _session(session: str) -> str:
    return f"qmv:session:{session}"


def _pictures(session: str, n: int) -> str:
    return f"qmv:pictures:{session}:{n}"


def _member(session: str, n: int) -> str:
    return f"{session} {n}"


def _of(member: str) -> tuple[str, int]:
    session, _, n = member.rpartition(" ")
    return session, int(n) if n.isdigit() else 0


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(text: str | None) -> Any:
    """What JSON says, and where it is none, the text."""
    try:
        return None if text is None else json.loads(text)
    except (RecursionError, ValueError):
        return text


def _number(text: str | None) -> Any:
    value = _plain(text)
    return value if isinstance(value, int | float) else text


def _known(value: bytes | None) -> tuple[str, str] | None:
    """What a client's key was used for: session and digest."""
    plain = None if value is None else _plain(_text(value))
    return (str(plain[0]), str(plain[1])) if isinstance(plain, list) and len(plain) == 2 else None


def _read(session: str, hashed: Mapping[bytes, bytes]) -> _Kept | None:
    """A session without the jobs that cannot be read; None where none is left."""
    jobs: dict[int, Job] = {}
    for name, text in hashed.items():
        if name.isdigit() and (job := read(session, int(name), text)):
            jobs[int(name)] = job
    if not jobs:
        return None
    match _plain(_text(hashed.get(_ABOUT.encode(), b""))):
        case {"digest": str(digest), "created_at": float(created_at)}:
            return _Kept(digest=digest, created_at=created_at, jobs=jobs)
    oldest = min(job.video.queued_at for job in jobs.values())
    return _Kept(digest="", created_at=oldest, jobs=jobs)


def _write_job(pipe: Any, session: str, before: Job | None, job: Job) -> None:
    member = _member(session, job.video.n)
    pipe.hset(_session(session), str(job.video.n), packed(job))
    if before is None or _ticket(session, before) != _ticket(session, job):
        pipe.hset(_OPEN, member, _ticket(session, job)) if job.open else pipe.hdel(_OPEN, member)
    pipe.zadd(_LEASES, {member: job.due}) if job.running else pipe.zrem(_LEASES, member)


def _ticket(session: str, job: Job) -> str:
    """What `qmv:open` says of a job; a running one's lease is elsewhere. '' for a closed one."""
    due = 0.0 if job.running else job.due
    plain = [session, job.video.n, job.priority, job.video.queued_at, due, job.running]
    return json.dumps(plain) if job.open else ""


def _tickets(client: Any, leases: Mapping[str, float] | None = None) -> list[Ticket]:
    """Running ones without a lease here are held by somebody; what is no ticket is left out."""
    told = _plain(_text(client.eval(_ALL_TICKETS, 1, _OPEN)))
    if not isinstance(told, list):
        told = [_plain(_text(text)) for text in client.hvals(_OPEN)]
    found = []
    for plain in told:
        match plain:
            case [str(session), int(n), int(priority), float(queued_at), float(due), bool(running)]:
                if running:
                    due = (leases or {}).get(_member(session, n), math.inf)
                found.append(Ticket(session, n, priority, queued_at, due, running))
    return found


def _drop(pipe: Any, session: str, numbers: Any, *, keep: Sequence[int] = ()) -> None:
    """Deletes a session with its jobs, and the pictures but for those of some videos."""
    pipe.delete(_session(session))
    for n in numbers:
        pipe.hdel(_OPEN, _member(session, n))
        pipe.zrem(_LEASES, _member(session, n))
        if n not in keep:
            pipe.delete(_pictures(session, n))
