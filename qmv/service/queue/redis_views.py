"""What anybody may see of the queue in Redis, without changing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from qmv.live import session_keys
from qmv.service.queue import turns
from qmv.service.queue.board import Counts, Limits
from qmv.service.queue.jobs import Session
from qmv.service.queue.redis_keys import (
    CREATED_AT,
    LEASES,
    TOTALS,
    VERSION,
    VERSIONS,
    WORKERS,
    all_tickets,
    kept_of,
    phase_of,
    pictures_of,
    session_of,
    text_of,
)
from qmv.service.queue.redis_link import RedisLink
from qmv.service.queue.turns import Ticket

__all__ = ["RedisViews"]


class RedisViews:
    """The half of a Board that reads; Redis tells the time, too."""

    def __init__(self, url: str, limits: Limits, clock: Callable[[], float] | None = None) -> None:
        self.limits, self._link, self._clock = limits, RedisLink(url), clock

    def session(self, session: str) -> Session | None:
        return next(iter(self._shown([session])), None)

    def sessions(self, most: int) -> list[Session]:
        with self._link.reached() as client:
            latest = [text_of(name) for name in client.zrevrange(CREATED_AT, 0, most - 1)] if most > 0 else []
        return self._shown(latest)

    def _shown(self, sessions: Sequence[str]) -> list[Session]:
        with self._link.reached() as client, client.pipeline() as pipe:
            for session in sessions:
                pipe.hgetall(session_of(session))
                pipe.zscore(VERSIONS, session)
            told = pipe.execute()
        return [
            kept.shown(session, int(version or 0))
            for session, hashed, version in zip(sessions, told[::2], told[1::2])
            if (kept := kept_of(session, hashed))
        ]

    def changes(self, since: int) -> tuple[int, list[str]]:
        with self._link.reached() as client, client.pipeline() as pipe:
            pipe.get(VERSION)
            pipe.zrangebyscore(VERSIONS, f"({since}", "+inf")
            newest, names = pipe.execute()
        if since > int(newest or 0):  # Redis was emptied
            return self.changes(0)
        return int(newest or 0), [text_of(name) for name in names]

    def picture(self, session: str, n: int, index: int) -> bytes | None:
        with self._link.reached() as client:
            found = client.hget(pictures_of(session, n), str(index))
            return None if found is None else bytes(found)

    def phases(self, sessions: Sequence[str]) -> list[dict[int, dict[str, Any] | None]]:
        with self._link.reached() as client, client.pipeline(transaction=False) as pipe:
            for session in sessions:
                for phase in (1, 2):
                    pipe.mget([session_keys.key(session, what, phase) for what in session_keys.WHATS])
            told = pipe.execute()
        return [{1: phase_of(one), 2: phase_of(two)} for one, two in zip(told[::2], told[1::2])]

    def counts(self) -> Counts:
        tickets, now = self._all_tickets()
        with self._link.reached() as client:
            workers = client.zcount(WORKERS, f"({now - self.limits.lease_s}", now + self.limits.lease_s)
            totals = {text_of(name): int(count) for name, count in client.hgetall(TOTALS).items()}
        return replace(turns.counts(tickets, now), workers=workers, totals=totals)

    def due(self) -> int:
        tickets, now = self._all_tickets()
        return turns.ready(tickets, self.limits, now)

    def _all_tickets(self) -> tuple[list[Ticket], float]:
        with self._link.reached() as client:
            leases = {text_of(member): due for member, due in client.zrange(LEASES, 0, -1, withscores=True)}
            return all_tickets(client, leases), self._now(client)

    def warning(self) -> str:
        return self._link.warning()

    def close(self) -> None:
        self._link.close()

    def _now(self, client: Any) -> float:
        if self._clock:
            return self._clock()
        seconds, microseconds = client.time()
        return float(seconds) + float(microseconds) / 1e6
