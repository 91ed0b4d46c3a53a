"""The queue's face: what the web and the workers do with it, and never by what it is kept.

A job is one video of a session. Exactly one worker has it at a time: it holds a lease, which every `tell` renews, and a
job whose lease has run out is given to the next who asks. All rules are in `admission`, `turns` and `steps`, so
they are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from qmv.live.progress import Live
from qmv.service.queue.jobs import Claim, Order, Session

__all__ = ["Board", "Counts", "Limits", "Refused", "Unavailable", "Word"]


class Word(Enum):
    """What a worker hears when it tells of its job."""

    GO_ON = "go on"
    CANCEL = "cancel"  # somebody wants it no more
    LOST = "lost"  # it is somebody else's by now, or closed: stop at once and say nothing more


class Refused(Exception):
    """A request that the queue does not take; `reason` is open, done, key or full, the text a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Unavailable(Exception):
    """The place where the queue is kept cannot be reached now; another try may help."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`running` jobs at once in all, `session_running` of one session (0: as many as there are workers), and how many
    may be `open`. A job is tried `attempts` times; one that lost its worker `losses` times is parked, and so is one
    whose lease lapsed more than `attempts` times. Sessions are forgotten `keep_s` after their last change."""

    running: int = 0
    session_running: int = 2
    open: int = 1000
    attempts: int = 4
    losses: int = 4
    lease_s: float = 15.0
    keep_s: float = 7 * 86400.0


@dataclass(frozen=True, kw_only=True)
class Counts:
    """For metrics. `oldest_s` is the wait of the job that is ready to run and waits longest, since it was queued or
    since its next try was due; the totals (submitted, finished, failed, cancelled, retried, lost, parked) count from
    when the queue was first used."""

    queued: int = 0
    running: int = 0
    workers: int = 0
    oldest_s: float = 0.0
    totals: dict[str, int] = field(default_factory=dict)


class Board(Protocol):
    """Raises Unavailable from every method where the place cannot be reached."""

    def submit(
        self, session: str, orders: Sequence[Order], *, digest: str, key: str = "", priority: int = 5
    ) -> tuple[Session, bool]:
        """Queues a session's videos, all or none; the Boolean says whether this call did it.

        `digest` stands for the whole request, `key` is the client's Idempotency-Key. The same request again (same key
        and digest; or the same digest while the session stands and has not failed or been cancelled) changes nothing.
        Raises Refused: 'key' for the key with another request; 'open' while other videos of the session are open, or
        while it is being cancelled; 'done' where it has finished others; 'full'. A key that was used before a session
        was cancelled means that request, so its answer is what became of it. A session that failed or was cancelled can
        be asked for again: what it has not finished by the same order is queued anew.
        """
        ...

    def claim(self, worker: str) -> Claim | None:
        """The most urgent job that may run now, also one whose worker was lost; None where there is none."""
        ...

    def take_back(self) -> None:
        """Queues, parks or closes what has lost its worker, as the next claim would: so that it is seen where nobody is
        free to claim. Workers that are only late to speak are spared for a while, which a claim doesn't do."""
        ...

    def tell(self, claim: Claim, live: Live) -> Word:
        """Says how far the job is and renews its lease."""
        ...

    def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
        """Keeps the thumbnail of a shot, where the claim still holds; the order in which they come does not matter."""
        ...

    def finish(self, claim: Claim, result: dict[str, Any]) -> bool:
        """The video is delivered; False, and nothing is changed, where the claim no longer holds."""
        ...

    def fail(self, claim: Claim, error: str, *, again: bool) -> bool:
        """It failed; with `again` it is queued to be tried later, unless it was tried too often and is parked."""
        ...

    def give_back(self, claim: Claim, *, lapsed: bool = False) -> bool:
        """The worker leaves: the job is queued again at once, and the try does not count. Where it had to stop since
        its lease had `lapsed`, the job is parked if that comes again and again: it may be what freezes its workers."""
        ...

    def cancelled(self, claim: Claim) -> bool:
        """The worker has stopped as CANCEL told it."""
        ...

    def cancel(self, session: str) -> tuple[Session, int] | None:
        """Closes queued videos and those that lost their worker at once, and tells the workers of the running ones;
        also how many that are, without those that were told before and still run. None for an unknown session."""
        ...

    def retry(self, session: str) -> tuple[Session, int] | None:
        """Queues what failed or was cancelled anew, with the orders that it had, and tells how many that are; None for
        an unknown session. Raises Refused: 'full'; 'open' while it is being cancelled."""
        ...

    def session(self, session: str) -> Session | None: ...

    def sessions(self, most: int) -> list[Session]:
        """The latest first."""
        ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The newest version, and the sessions that changed after version `since`; cheap, asked several times a
        second."""
        ...

    def picture(self, session: str, n: int, index: int) -> bytes | None: ...

    def phases(self, sessions: Sequence[str]) -> list[dict[int, dict[str, Any] | None]]:
        """What other systems write of phases 1 and 2 of each session: status, progress, results, error; None where
        nothing."""
        ...

    def seen(self, worker: str) -> None:
        """The worker is alive; `Counts.workers` counts those seen in the last lease."""
        ...

    def counts(self) -> Counts: ...

    def due(self) -> int:
        """How many jobs a free worker could claim now."""
        ...

    def forget(self) -> list[str]:
        """Drops what was kept long enough; the sessions that are gone, so that their files can go too."""
        ...

    def warning(self) -> str:
        """What to mend where the place may forget what it was told, in one sentence; '' where it keeps all, or doesn't
        tell."""
        ...

    def close(self) -> None: ...
