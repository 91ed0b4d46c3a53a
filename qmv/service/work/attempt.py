"""One try at a job, from the claim to the verdict.

The worker renews the lease by telling how far the render is, and lets the render know until when it may go on. So
whatever dies, worker, queue or network, the render ends before somebody else can begin with the same video.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Protocol

from qmv.errors import QmvError
from qmv.live.progress import Live, folded
from qmv.service.queue.board import Board, Word
from qmv.service.queue.jobs import Claim
from qmv.service.settings import ServiceSettings, program
from qmv.service.work.clock import now_s
from qmv.service.work.lease import Lease
from qmv.service.work.outward import Outward
from qmv.service.work.process import Child, running
from qmv.service.work.recipe import hidden, recipe, tries_of
from qmv.service.work.thumbnails import Thumbnails
from qmv.service.work.trail import Trail
from qmv.service.work.verdict import Verdict, judged

__all__ = ["Leaving", "perform"]

log = logging.getLogger("qmv.service")

_TICK_S = 0.1
_COUNTS_MONEY_EVERY_S = 3.0
_ENDS_WITHIN_S = 10.0
_LEAVES_WITHIN_S = 5.0
_LAST_PICTURES_S = 8.0  # the most that a finished video waits for its thumbnails, where the board is slow
_HAND_OFF = "handoff"


class Leaving(Protocol):
    """Whether the worker is to end; threading.Event is one."""

    def is_set(self) -> bool: ...


class _End(Enum):
    """Why a render does not go on to its own end."""

    CANCEL = "cancel"
    LEAVE = "leave"
    LATE = "late"
    LOST = "lost"


def perform(claim: Claim, board: Board, settings: ServiceSettings, leaving: Leaving) -> None:
    """Renders the job of a claim, and tells the board what became of it; returns when nothing of it runs any more.

    With `leaving`, the job is given back within seconds. Raises nothing of the job's own.
    """
    attempt = _Attempt(claim, board, settings, leaving)
    try:
        attempt.run()
    except QmvError as error:  # before the render could begin
        attempt.fail(str(error), again=False)
    except OSError as error:
        log.exception("video %d of %s: the try could not go on", claim.n, claim.session)
        attempt.fail(f"outputs: cannot be used ({error.strerror or error}); it is tried again.", again=True)
    except Exception as error:  # whatever it is, the worker lives on, and the job comes again by its back-off
        log.exception("video %d of %s: the try failed unexpectedly", claim.n, claim.session)
        attempt.fail(
            f"the worker failed unexpectedly ({type(error).__name__}); its log has the details, and it is tried again.",
            again=True,
        )


class _Attempt:
    """What is known of a try while it runs."""

    def __init__(self, claim: Claim, board: Board, settings: ServiceSettings, leaving: Leaving) -> None:
        self.claim, self.board, self.settings, self.leaving = claim, board, settings, leaving
        # a try that was given back does not count, so numbers come again
        name = f"{claim.attempt}-{claim.token[:8]}"
        self.folder = tries_of(settings, claim.session, claim.n) / name
        self.outward = Outward.of(claim.order, settings, self.folder)
        self.live = Live(title=claim.order.title)
        self.lease = Lease(claim, board)
        self.pictures = Thumbnails(claim, board, self.lease)
        self.trail = Trail(self.folder)
        self.counted_at = 0.0
        self.end: _End | None = None
        self.end_at = 0.0

    def run(self) -> None:
        if not self._begin():
            return
        said = self.folder / "output.txt"
        late_at = now_s() + 60 * self.settings.job_minutes
        arguments = recipe(self.claim, self.settings, self.folder)
        without = hidden(self.settings)
        with running(program(self.settings), arguments, said, self.lease.until_s, without=without) as child:
            while not child.ended(_TICK_S):
                self._tick(child, late_at)
                if self.end is _End.LOST:
                    return
            code = child.code
        self._close(judged(self.folder, said, code, self.outward))

    def _begin(self) -> bool:
        """Makes the folder and the first renewal, from which the lease is counted; False where the claim is lost."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._tell()
        return self.lease.left_s > 0 and self.end is None

    # -- while it runs -----------------------------------------------------------------------------------------------

    def _tick(self, child: Child, late_at: float) -> None:
        self._look()
        if self.lease.is_due(self.live):
            self._tell()
            child.renew(self.lease.until_s)
        self.pictures.send_some()
        if self.end is None and self.leaving.is_set():
            self._stop(_End.LEAVE)
        if self.end is None and now_s() > late_at:
            self._stop(_End.LATE)
        if self.end is None or self.end is _End.LOST:
            return
        if not self.end_at:
            self.end_at = now_s() + (_LEAVES_WITHIN_S if self.end is _End.LEAVE else _ENDS_WITHIN_S)
            child.stop()
        elif now_s() > self.end_at:
            child.kill()

    def _look(self) -> None:
        for event in self.trail.news():
            if event.get("event") == "PictureReady":
                self.pictures.add(int(event["index"]), Path(event["file"]))
            self.live = folded(self.live, event)
        if self.live.notice != self.lease.told.notice:
            self.live = dataclasses.replace(self.live, notice=self.outward(self.live.notice))
        if now_s() - self.counted_at > _COUNTS_MONEY_EVERY_S:
            self.counted_at = now_s()
            self.live = dataclasses.replace(self.live, cost_usd=str(self._cost()))

    def _tell(self) -> None:
        word = self.lease.renew(self.live)
        if word is Word.LOST:
            self._stop(_End.LOST)
        elif word is Word.CANCEL and self.end is not _End.CANCEL:
            self._stop(_End.CANCEL)

    def _stop(self, end: _End) -> None:
        log.info("video %d of %s: %s", self.claim.n, self.claim.session, end.value)
        self.end = end

    def _cost(self) -> Decimal:
        """Of all tries of this video."""
        from qmv.engine.money import ledger_of

        ledger = ledger_of(self.settings.outputs)
        if not ledger.path.is_file():
            return Decimal(0)
        folders = [folder for folder in self.folder.parent.iterdir() if folder.is_dir()]
        try:
            return sum((ledger.sums(run=str(folder)).spent for folder in folders), Decimal(0))
        except QmvError:  # the render says so itself, where it wants to buy something
            return Decimal(self.live.cost_usd)

    # -- at its end --------------------------------------------------------------------------------------------------

    def _close(self, verdict: Verdict) -> None:
        """A video that is delivered counts, whatever was wanted of its worker meanwhile."""
        self.counted_at = 0.0
        self._look()
        if verdict.result:
            self._show_rest()
            result = verdict.result | {"cost_usd": self.live.cost_usd}
            self._say(lambda: self.board.finish(self.claim, result), "finished")
            shutil.rmtree(self.folder / _HAND_OFF, ignore_errors=True)  # for editors on this machine; nobody gets at it
        elif self.end is _End.CANCEL:
            self._say(lambda: self.board.cancelled(self.claim), "cancelled")
        elif self.end is _End.LEAVE:
            self._say(lambda: self.board.give_back(self.claim), "given back")
        elif self.end is _End.LATE:
            self.fail(
                f"job_minutes: the render took longer than {self.settings.job_minutes:g} minutes and was stopped; "
                "choose a shorter song, a lower quality or fewer pictures.",
                again=False,
            )
        elif self.lease.lapsed:  # it was ended for our silence, not for anything of its own
            told = "given back, the queue could not be told in time"
            self._say(lambda: self.board.give_back(self.claim, lapsed=True), told)
        else:
            self.fail(verdict.error, again=verdict.again)

    def fail(self, error: str, *, again: bool) -> None:
        sentence = self.outward(error)
        log.warning("video %d of %s, try %d: %s", self.claim.n, self.claim.session, self.claim.attempt, sentence)
        self._say(lambda: self.board.fail(self.claim, sentence, again=again), "failed")

    def _show_rest(self) -> None:
        """The last numbers, and of the last pictures as many as a slow board takes in some seconds."""
        self._tell()
        end = now_s() + _LAST_PICTURES_S
        while self.pictures and now_s() < end and not self.leaving.is_set() and self.end is not _End.LOST:
            if not self.pictures.send_more():
                break
            self._tell()

    def _say(self, say: Callable[[], bool], told: str) -> None:
        self.lease.end(say, told, self.leaving.is_set)
