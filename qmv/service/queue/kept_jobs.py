"""What workers say of their jobs, for every place where the queue is kept, and the text that a job is kept as."""

from __future__ import annotations

import json
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from qmv.live.progress import Live
from qmv.service.queue import steps
from qmv.service.queue.board import Limits, Word
from qmv.service.queue.jobs import CLOSED, Claim, Job, Order, Video

__all__ = ["Change", "KeptJobs", "can_make", "packed", "read", "spoilt", "told_by", "unpacked"]

log = logging.getLogger("qmv")

T = TypeVar("T")
_told: set[tuple[str, str]] = set()  # what could not be read, so that the log has it once
Change = Callable[[Mapping[int, Job], float], tuple[Mapping[int, Job], T]]  # a session's jobs, now -> what changes


class KeptJobs(ABC):
    """A worker's half of a Board."""

    limits: Limits

    @abstractmethod
    def _change(self, session: str, change: Change[T]) -> T | None:
        """Changes a session's jobs at one blow, and gives what `change` says; None for an unknown session. `change` may
        be called several times."""

    def tell(self, claim: Claim, live: Live) -> Word:
        def change(jobs: Mapping[int, Job], now: float) -> tuple[Mapping[int, Job], Word]:
            job = jobs.get(claim.n)
            if job is None or job.token != claim.token or not job.running:
                return {}, Word.LOST
            job, word = steps.told(job, live, self.limits, now)
            return {claim.n: job}, word

        return self._change(claim.session, change) or Word.LOST

    def finish(self, claim: Claim, result: dict[str, Any]) -> bool:
        return self._end(claim, lambda job, now: steps.finished(job, result, now), "finished")

    def fail(self, claim: Claim, error: str, *, again: bool) -> bool:
        step = lambda job, now: steps.failed(job, error, self.limits, now, again=again)  # noqa: E731
        return self._end(claim, step, "failed", "queued", "cancelled")

    def give_back(self, claim: Claim, *, lapsed: bool = False) -> bool:
        if not lapsed:
            return self._end(claim, steps.given_back, "queued", "cancelled")
        step = lambda job, now: steps.lapsed(job, self.limits, now)  # noqa: E731
        return self._end(claim, step, "queued", "failed", "cancelled")

    def cancelled(self, claim: Claim) -> bool:
        return self._end(claim, steps.withdrawn, "cancelled")

    def _end(self, claim: Claim, step: Callable[[Job, float], Job], *ends: str) -> bool:
        def change(jobs: Mapping[int, Job], now: float) -> tuple[Mapping[int, Job], bool]:
            job = jobs.get(claim.n)
            if job is None or job.token != claim.token:
                return {}, False
            if not job.running:  # it was said before, and the answer got lost on its way
                return {}, job.video.status in ends
            return {claim.n: step(job, now)}, True

        return bool(self._change(claim.session, change))

    def _called_off(self, session: str) -> int | None:
        """Calls off what is open, and tells how many this call closed, or told to stop where nobody had; None for an
        unknown session."""
        call = uuid.uuid4().hex

        def change(jobs: Mapping[int, Job], now: float) -> tuple[Mapping[int, Job], int]:
            if done := told_by(call, jobs):  # the answer got lost on its way
                return {}, done
            off = {n: steps.called_off(job, now, call) for n, job in jobs.items() if job.open}
            return off, told_by(call, off)

        return self._change(session, change)


def told_by(call: str, jobs: Mapping[int, Job]) -> int:
    """How many jobs a cancel or retry has told something, and nobody since."""
    return sum(job.call == call for job in jobs.values())


def read(session: str, n: int | str, text: str | bytes) -> Job | None:
    """A job as it is kept; None, and a line in the log, where it cannot be read: others must not suffer by that."""
    try:
        return unpacked(text)
    except ValueError as error:
        _say_once(session, n, f"cannot be read, and is left out ({error})")
        return None


def can_make(session: str, job: Job) -> bool:
    """Whether a worker of this version knows all that the order says; the log has it once where not."""
    if job.unknown:
        known = ", ".join(sorted(job.unknown))
        _say_once(session, job.video.n, f"waits for a worker of a newer version, which knows its order's {known}")
    return not job.unknown


def spoilt(text: str | bytes | None) -> bool:
    """Whether no version of QMV can read it as a job: what another one wrote may wait for a worker of that one."""
    try:
        plain = json.loads(text or "")
    except (RecursionError, ValueError):
        return True
    return not (isinstance(plain, dict) and all(isinstance(plain.get(name), dict) for name in ("order", "video")))


def _say_once(session: str, n: int | str, what: str) -> None:
    if (session, str(n)) not in _told:
        _told.add((session, str(n)))
        log.warning("queue: video %s of session %s %s", n, session, what)


_LIVE, _VIDEO, _ORDER = ({field.name for field in fields(kind)} for kind in (Live, Video, Order))
_PLAIN = [field.name for field in fields(Job) if field.name not in ("order", "video", "unknown")]


def packed(job: Job) -> str:
    plain = {name: getattr(job, name) for name in _PLAIN}
    order = {**job.unknown, **asdict(job.order)}
    return json.dumps({**plain, "order": order, "video": asdict(job.video)}, separators=(",", ":"))


def unpacked(text: str | bytes) -> Job:
    """Raises ValueError where it is no job. What another version of QMV has added is left out, but for that of the
    order, which is kept for its workers."""
    try:
        plain = json.loads(text)
        plain = {name: plain[name] for name in (*_PLAIN, "order", "video") if name in plain}
        order, unknown = _order(plain["order"])
        job = Job(**{**plain, "order": order, "video": _video(plain["video"]), "unknown": unknown})
        if job.video.status not in (*CLOSED, "queued", "running"):
            raise ValueError(f"status {job.video.status}")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"no job: {error}") from error
    return job


def _order(plain: Mapping[str, Any]) -> tuple[Order, dict[str, Any]]:
    unknown = {name: value for name, value in plain.items() if name not in _ORDER}
    return Order(**{name: value for name, value in plain.items() if name not in unknown}), unknown


def _video(plain: Mapping[str, Any]) -> Video:
    live = plain.get("live") or {}
    try:
        return Video(**{**plain, "live": _live(live)})
    except TypeError:
        live = {name: value for name, value in live.items() if name in _LIVE}
        return Video(**{**{name: value for name, value in plain.items() if name in _VIDEO}, "live": _live(live)})


def _live(plain: Mapping[str, Any]) -> Live:
    return Live(**{**plain, "stages": tuple(plain.get("stages", ()))})
