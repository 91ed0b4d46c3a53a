"""What becomes of a job, step by step. Functions of values, the same wherever the queue is kept.

queued -> running -> finished | failed | cancelled
   ^---------'  a lost worker, one that leaves, a failure that is worth another try
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from qmv.live.progress import Live
from qmv.service.queue.board import Limits, Word
from qmv.service.queue.jobs import Job

__all__ = [
    "LONGEST_BACK_OFF_S", "back_off_s", "called_off", "claimed", "counted", "failed", "finished", "given_back",
    "lapsed", "lease_over", "longest_lease_s", "lost", "spared_s", "told", "unbroken", "withdrawn",
]  # fmt: skip

LONGEST_BACK_OFF_S = 600.0  # between two tries
_FIRST_S, _FACTOR = 5.0, 4
_SPARED = 3  # the part of a lease for which who speaks late is waited for, where nobody else wants the job
_LEASES = 4  # so far ahead no lease ends, unless the clock was set back; workers may have somewhat different ones


def claimed(job: Job, token: str, limits: Limits, now: float) -> Job:
    """Its attempt is one that it never had before, so it has a folder to itself. An error is of the try before."""
    before = job.video
    video = replace(
        before, status="running", attempt=before.attempt + 1, live=_anew(before.live), error="",
        last_try=before.last_try or before.error, retry_at=None, started_at=now,
    )  # fmt: skip
    return replace(
        job, video=video, token=token, due=now + limits.lease_s, last_error=before.error or job.last_error,
    )  # fmt: skip


def told(job: Job, live: Live, limits: Limits, now: float) -> tuple[Job, Word]:
    """A lease that has run out is renewed, too, as long as nobody else has the job. The percent of an earlier try is
    never gone below: what that one made is in the cache. Nor is what was spent: a try first says that it is nothing."""
    before = job.video.live
    cost_usd = max(before.cost_usd, live.cost_usd, key=Decimal)
    live = replace(live, percent=max(live.percent, before.percent), cost_usd=cost_usd)
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
        return _waiting(job, due=now + back_off_s(job.failures), retry=True)
    return _closed(replace(job, video=replace(job.video, parked=again)), "failed", now)


def back_off_s(failures: int) -> float:
    """How long a job waits after so many failures: 5 s, 20 s, 80 s ... 10 minutes."""
    return min(LONGEST_BACK_OFF_S, _FIRST_S * float(_FACTOR) ** min(failures - 1, 10))


def lost(job: Job, limits: Limits, now: float) -> Job:
    """Its lease has run out; the worker that had it has nothing more to say."""
    job = replace(job, losses=job.losses + 1, token="")
    if job.cancelling:
        return withdrawn(job, now)
    if job.losses < limits.losses:
        return _waiting(job, "its worker was lost; the video is taken up again and goes on from what is kept.")
    return _parked(
        job, f"workers: {job.losses} of them ended while they made this video",
        "look into their logs, most often memory is too small", now,
    )  # fmt: skip


def lease_over(job: Job, limits: Limits, now: float) -> Job:
    """A running job is lost where its lease has run out. One that ends too far ahead, since the clock was set back,
    ends a lease from now: whoever still has it renews that one."""
    if job.due <= now:
        return lost(job, limits, now)
    return replace(job, due=now + limits.lease_s) if job.due > now + longest_lease_s(limits) else job


def longest_lease_s(limits: Limits) -> float:
    """A lease that ends later than so many seconds from now was given before the clock was set back."""
    return _LEASES * limits.lease_s


def spared_s(limits: Limits) -> float:
    """How long after the end of its lease a job is taken from its worker where no other claims it."""
    return limits.lease_s / _SPARED


def given_back(job: Job, now: float) -> Job:
    """Its worker leaves."""
    return _released(job, "its worker was stopped; the video goes on from what is kept.", now)


def lapsed(job: Job, limits: Limits, now: float) -> Job:
    """Given back since its worker could not renew the lease in time."""
    job = replace(job, lapses=job.lapses + 1)
    if job.cancelling or job.lapses <= limits.attempts:
        return _released(job, "its worker could not reach the queue in time; the video goes on from what is kept.", now)
    return _parked(
        job, f"workers: one could not renew its lease in time, {job.lapses} times for this video",
        "look whether its machine has too little memory or the way to the queue is unsteady", now,
    )  # fmt: skip


def called_off(job: Job, now: float, call: str = "") -> Job:
    """Nobody wants it any more: a running one's worker is told, the others close, also what has lost its worker."""
    if job.video.status == "queued":
        return withdrawn(replace(job, call=call), now)
    if job.running and job.due <= now:
        return withdrawn(replace(job, token="", call=call), now)
    return replace(job, cancelling=True, call=call) if job.running and not job.cancelling else job


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


def _released(job: Job, last_try: str, now: float) -> Job:
    return withdrawn(job, now) if job.cancelling else _waiting(job, last_try)


def _waiting(job: Job, last_try: str = "", *, due: float = 0.0, retry: bool = False) -> Job:
    """Queued again; `last_try` is what became of the one that ended, where that was no error."""
    video = replace(
        job.video, status="queued", live=_anew(job.video.live), last_try=last_try, started_at=None,
        retry_at=due if retry else None,
    )  # fmt: skip
    if not last_try:
        return replace(job, video=video, due=due)
    # of the try before that one, where the version of QMV before claimed it
    return replace(job, video=replace(video, error=""), due=due, last_error=video.error or job.last_error)


def _anew(live: Live) -> Live:
    """For another try, from whose begin on the percent does not fall, nor what all tries have spent."""
    return Live(percent=live.percent, cost_usd=live.cost_usd)


def _parked(job: Job, what: str, cure: str, now: float) -> Job:
    """Closed for what became of its workers; its own last error is told, too."""
    error = job.last_error or job.video.error  # the version of QMV before kept it there while the next try ran
    before = f", after the error: {error.rstrip('.')}" if error else ""
    video = replace(job.video, error=f"{what}{before}; {cure}, and ask for it again.", parked=True)
    return _closed(replace(job, video=video), "failed", now)


def _closed(job: Job, status: str, now: float) -> Job:
    return replace(
        job, video=replace(job.video, status=status, last_try="", retry_at=None, ended_at=now), cancelling=False
    )
