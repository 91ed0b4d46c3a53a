"""What the queue holds: what to make, how far it is, and what became of it. Plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qmv.live.progress import Live
from qmv.live.states import CLOSED, State, error_of, percent_of, status_of

__all__ = ["CLOSED", "OPEN", "Claim", "Job", "Order", "Session", "Video"]

OPEN = "queued", "running"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one video is made of, checked already.

    `song` is an address, or a path, which begins in the service's folder unless it is a whole one. `settings` are
    run.py's knobs, which outsiders may set, and the song's title and artist.
    """

    song: str
    title: str
    style: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that a worker has, until it says what became of it, or lets the lease of `lease_s` seconds run out.

    The worker counts the lease from the moment before it asked. `token` proves that it is still the one. No two claims
    of a job have the same `attempt`, which is not how often it failed.
    """

    session: str
    n: int
    token: str
    order: Order
    attempt: int
    lease_s: float


@dataclass(frozen=True, kw_only=True)
class Video:
    """One video of a session, as anybody may see it.

    `status` is queued, running, finished, failed or cancelled. `error` is the last one, also where `retry_at` (seconds
    since 1970) says when it is tried again, until that try begins; a failed one that is `parked` was tried too often.
    `last_try` is a sentence on what became of the try before, while the video is open. Thumbnails 0 to
    `pictures` - 1 can be asked for. `result` is what the delivery says: url, key, sha256, size_bytes ...
    """

    n: int
    title: str
    style: str
    status: str = "queued"
    attempt: int = 0
    live: Live = field(default_factory=Live)
    pictures: int = 0
    error: str = ""
    last_try: str = ""
    parked: bool = False
    retry_at: float | None = None
    result: dict[str, Any] | None = None
    queued_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that is kept of one video: what anybody may see of it, and what only the queue knows.

    `due`: a queued one may run from then on (0.0: at once), a running one's lease ends then. `token` is the last
    claim's, '' where it was taken away. Each claim has an attempt of its own; `failures`, `losses` and `lapses` are
    those that failed, lost their worker, or were given back since the queue could not be told in time. `last_error` is
    the error of the latest earlier try that failed. `call` is the cancel or retry that told it something last, and that
    knows by it what it has done. `unknown` is what the order of another version of QMV has beside: only a worker of
    that one can make it.
    """

    order: Order
    video: Video
    priority: int = 5
    due: float = 0.0
    token: str = ""
    failures: int = 0
    losses: int = 0
    lapses: int = 0
    last_error: str = ""
    cancelling: bool = False
    call: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.video.status in OPEN

    @property
    def running(self) -> bool:
        return self.video.status == "running"


@dataclass(frozen=True, kw_only=True)
class Session:
    """What was asked for under one ID. `version` rises with each change of any session."""

    id: str
    created_at: float
    videos: tuple[Video, ...]
    version: int = 0

    @property
    def status(self) -> str:
        """queued, running, finished, failed or cancelled; a failed video decides only when all are closed."""
        return status_of(self._states)

    @property
    def percent(self) -> float:
        """0 to 100; what failed or was cancelled stays where it stopped."""
        return percent_of(self._states)

    @property
    def error(self) -> str:
        """The last error of each video that has one and is not finished, '' for none."""
        return error_of(self._states)

    @property
    def _states(self) -> list[State]:
        return [State(video.n, video.status, video.live.percent, video.error) for video in self.videos]
