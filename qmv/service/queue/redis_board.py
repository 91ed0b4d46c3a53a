"""The queue in Redis, which the webs and workers of many machines share, and where other systems read how far it is."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qmv.live import session_keys
from qmv.service.queue import admission
from qmv.service.queue.jobs import Order, Session
from qmv.service.queue.kept_jobs import told_by
from qmv.service.queue.redis_keys import (
    ABOUT,
    CLOSED_AT,
    CREATED_AT,
    TICKETS,
    VERSIONS,
    WORKERS,
    Kept,
    about_of,
    drop,
    kept_of,
    known_of,
    pictures_of,
    session_of,
    text_of,
)
from qmv.service.queue.redis_work import RedisWork

__all__ = ["RedisBoard"]


class RedisBoard(RedisWork):
    """A Board in Redis."""

    # -- for who asks for videos --------------------------------------------------------------------------------------

    def submit(
        self, session: str, orders: Sequence[Order], *, digest: str, key: str = "", priority: int = 5
    ) -> tuple[Session, bool]:
        used, token = f"qmv:key:{hashlib.sha256(key.encode()).hexdigest()}", uuid.uuid4().hex

        def step(pipe: Any) -> tuple[Session, bool]:
            known = known_of(pipe.get(used)) if key else None
            kept, now = kept_of(session, pipe.hgetall(session_of(session))), self._now(pipe)
            if kept and kept.token == token:  # it was done, and the answer got lost on its way
                return kept.shown(session), True
            before = kept.jobs if kept else {}
            there = (kept.shown(session), kept.digest) if kept else None
            standing = admission.stands(session, digest, there, known, before)
            jobs = {} if standing else admission.queued(orders, before, priority, now)
            if jobs:
                admission.room(pipe.hlen(TICKETS), sum(job.open for job in jobs.values()), self.limits)
            pipe.multi()
            if key and not known:
                pipe.set(used, json.dumps([session, digest]), ex=int(admission.KEYS_S))
            if standing:
                return standing, False
            drop(pipe, session, before, keep=[n for n, job in jobs.items() if not job.open])
            stays = {n: job for n, job in before.items() if n in jobs}
            kept = Kept(digest=digest, created_at=now, token=token, jobs=stays)
            pipe.hset(session_of(session), ABOUT, about_of(kept))
            pipe.zadd(CREATED_AT, {session: now})
            self._write(pipe, session, kept, jobs, now)
            return replace(kept, jobs=jobs).shown(session), True

        shown, began = self._link.change([session_of(session), used, TICKETS], step)
        return self.session(session) or shown, began

    def cancel(self, session: str) -> tuple[Session, int] | None:
        count, found = self._called_off(session), self.session(session)
        return None if count is None or found is None else (found, count)

    def retry(self, session: str) -> tuple[Session, int] | None:
        call = uuid.uuid4().hex

        def step(pipe: Any) -> int | None:
            kept, now = kept_of(session, pipe.hgetall(session_of(session))), self._now(pipe)
            if kept is None:
                return None
            if done := told_by(call, kept.jobs):  # the answer got lost on its way
                return done
            again = admission.asked_again(session, kept.jobs, pipe.hlen(TICKETS), self.limits, now, call=call)
            pipe.multi()
            for n in again:
                pipe.delete(pictures_of(session, n))
            self._write(pipe, session, kept, again, now)
            return len(again)

        count, found = self._link.change([session_of(session), TICKETS], step), self.session(session)
        return None if count is None or found is None else (found, count)

    # -- for who looks after it --------------------------------------------------------------------------------------

    def forget(self) -> list[str]:
        with self._link.reached() as client:
            now = self._now(client)
            client.zremrangebyscore(WORKERS, "-inf", now - admission.KEYS_S)
            old = client.zrangebyscore(CLOSED_AT, "-inf", now - self.limits.keep_s)
        return [session for session in map(text_of, old) if self._forgotten(session, now)]

    def _forgotten(self, session: str, now: float) -> bool:
        def step(pipe: Any) -> bool:
            closed_at = pipe.zscore(CLOSED_AT, session)
            if closed_at is None or closed_at > now - self.limits.keep_s:  # it was asked for again
                return False
            names = [int(name) for name in pipe.hkeys(session_of(session)) if text_of(name).isdigit()]
            pipe.multi()
            drop(pipe, session, names)
            for what in session_keys.WHATS:
                pipe.delete(session_keys.key(session, what))
            for kept in (VERSIONS, CREATED_AT, CLOSED_AT):
                pipe.zrem(kept, session)
            return True

        return self._link.change([session_of(session)], step)
