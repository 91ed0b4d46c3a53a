"""The names under which the queue lies in Redis, and how it is read and written there.

qmv:session:ID      hash: `about`, and each job under its number
qmv:open            hash: a ticket for each open job     qmv:leases     when those of the running ones end
qmv:versions        each session's last change, counted in qmv:version
qmv:created, qmv:closed     when sessions began, and when the closed ones ended
qmv:pictures:ID:N   hash: thumbnails                     qmv:key:SHA256 what a client's key was used for
qmv:workers, qmv:totals     for metrics
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qmv.service.queue.jobs import Job, Session
from qmv.service.queue.kept_jobs import packed, read
from qmv.service.queue.turns import Ticket

__all__ = [
    "ABOUT", "CLOSED_AT", "CREATED_AT", "LEASES", "TICKETS", "TOTALS", "VERSION", "VERSIONS", "WORKERS", "Kept",
    "about_of", "all_tickets", "drop", "kept_of", "known_of", "member_of", "next_version", "phase_of", "pictures_of",
    "place_of", "session_of", "text_of", "write_job",
]  # fmt: skip

TICKETS, LEASES, VERSION, VERSIONS = "qmv:open", "qmv:leases", "qmv:version", "qmv:versions"
CREATED_AT, CLOSED_AT, WORKERS, TOTALS = "qmv:created", "qmv:closed", "qmv:workers", "qmv:totals"
ABOUT = "about"
# in a script, since the number is only known when the transaction is done, and has to rise in the order of changes
_NEXT_VERSION = "redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[1]), ARGV[1])"
# one string, which is read in a tenth of the time of a thousand
_ALL_TICKETS = "return '[' .. table.concat(redis.call('HVALS', KEYS[1]), ',') .. ']'"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What Redis has of a session."""

    digest: str
    created_at: float
    token: str = ""  # of the call that queued it
    jobs: dict[int, Job] = field(default_factory=dict)

    def shown(self, session: str, version: int = 0) -> Session:
        videos = tuple(job.video for _, job in sorted(self.jobs.items()))
        return Session(id=session, created_at=self.created_at, version=version, videos=videos)


def session_of(session: str) -> str:
    return f"qmv:session:{session}"


def pictures_of(session: str, n: int) -> str:
    return f"qmv:pictures:{session}:{n}"


def member_of(session: str, n: int) -> str:
    return f"{session} {n}"


def place_of(member: str) -> tuple[str, int]:
    session, _, n = member.rpartition(" ")
    return session, int(n) if n.isdigit() else 0


def text_of(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def phase_of(values: Sequence[bytes | None]) -> dict[str, Any] | None:
    """What another system wrote: status, progress, results, error; None where nothing."""
    if not any(value is not None for value in values):
        return None
    status, progress, results, error = (None if value is None else text_of(value) for value in values)
    return {"status": status, "progress": _number_of(progress), "results": _json_of(results), "error": error}


def _json_of(text: str | None) -> Any:
    """What JSON says, and where it is none, the text."""
    try:
        return None if text is None else json.loads(text)
    except (RecursionError, ValueError):
        return text


def _number_of(text: str | None) -> Any:
    value = _json_of(text)
    return value if isinstance(value, int | float) else text


def known_of(value: bytes | None) -> tuple[str, str] | None:
    """What a client's key was used for: session and digest."""
    plain = None if value is None else _json_of(text_of(value))
    return (str(plain[0]), str(plain[1])) if isinstance(plain, list) and len(plain) == 2 else None


def kept_of(session: str, hashed: Mapping[bytes, bytes]) -> Kept | None:
    """A session without the jobs that cannot be read; None where none is left."""
    jobs: dict[int, Job] = {}
    for name, text in hashed.items():
        if name.isdigit() and (job := read(session, int(name), text)):
            jobs[int(name)] = job
    if not jobs:
        return None
    about = _json_of(text_of(hashed.get(ABOUT.encode(), b"")))
    match about:
        case {"digest": str(digest), "created_at": float(created_at)}:
            return Kept(digest=digest, created_at=created_at, token=str(about.get("token", "")), jobs=jobs)
    oldest = min(job.video.queued_at for job in jobs.values())
    return Kept(digest="", created_at=oldest, jobs=jobs)


def about_of(kept: Kept) -> str:
    return json.dumps({"digest": kept.digest, "created_at": kept.created_at, "token": kept.token})


def write_job(pipe: Any, session: str, before: Job | None, job: Job) -> None:
    """A ticket that says the same is not written: claims watch them."""
    member = member_of(session, job.video.n)
    pipe.hset(session_of(session), str(job.video.n), packed(job))
    if before is None or _ticket(session, before) != _ticket(session, job):
        pipe.hset(TICKETS, member, _ticket(session, job)) if job.open else pipe.hdel(TICKETS, member)
    pipe.zadd(LEASES, {member: job.due}) if job.running else pipe.zrem(LEASES, member)


def next_version(pipe: Any, session: str) -> None:
    """The session has changed."""
    pipe.eval(_NEXT_VERSION, 2, VERSION, VERSIONS, session)


def _ticket(session: str, job: Job) -> str:
    """What `qmv:open` says of a job; a running one's lease is elsewhere. '' for a closed one."""
    due = 0.0 if job.running else job.due
    plain = [session, job.video.n, job.priority, job.video.queued_at, due, job.running]
    return json.dumps(plain) if job.open else ""


def all_tickets(client: Any, leases: Mapping[str, float] | None = None) -> list[Ticket]:
    """Running ones without a lease here are held by somebody; what is no ticket is left out."""
    told = _json_of(text_of(client.eval(_ALL_TICKETS, 1, TICKETS)))
    if not isinstance(told, list):
        told = [_json_of(text_of(text)) for text in client.hvals(TICKETS)]
    found = []
    for plain in told:
        match plain:
            case [str(session), int(n), int(priority), float(queued_at), float(due), bool(running)]:
                if running:
                    due = (leases or {}).get(member_of(session, n), math.inf)
                found.append(Ticket(session, n, priority, queued_at, due, running))
    return found


def drop(pipe: Any, session: str, numbers: Iterable[int], *, keep: Collection[int] = ()) -> None:
    """Deletes a session with its jobs, and the pictures but for those of some videos."""
    pipe.delete(session_of(session))
    for n in numbers:
        pipe.hdel(TICKETS, member_of(session, n))
        pipe.zrem(LEASES, member_of(session, n))
        if n not in keep:
            pipe.delete(pictures_of(session, n))
