"""A cache that machines share: entries of the local one lie in a bucket or a folder too, under the same keys.

The local cache stays in front: what is used was fetched whole, compared hash by hash, and then got its name there. So a
shared entry that is damaged, forged or somebody else's is never used, and the place may be away at any moment: the run
goes on with what it has, and says so once. Low layer: stages reach it through `Context.cache`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qmv.engine.inbox import Check, Inbox
from qmv.engine.outbox import SIGN, Entry, Outbox
from qmv.errors import (
    AccessError,
    ConfigError,
    PluginError,
    ProofError,
    QmvError,
    ServiceError,
    output_error,
)
from qmv.objects.store import ObjectStore
from qmv.objects.waiting import in_time

if TYPE_CHECKING:
    from qmv.engine.cache import Cache

__all__ = ["WHERE", "Check", "SharedCache"]

log = logging.getLogger("qmv")

WHERE = "run.cache_url"  # begins the sentences of the place's errors
_PIECES = ("chunks", "sound", "pictures")  # what the proof can find wrong; `originals` cost money
_TELL_S = 5.0  # of waiting for the last entries before the user hears what the run waits for


@dataclass(kw_only=True, eq=False)
class SharedCache:
    """The place and a run's traffic with it; it stays in the process of the run."""

    place: str
    store: ObjectStore
    secret: bytes = field(default=b"", repr=False)
    sends: bool = True
    answer_s: float = 15.0  # of the questions before the run
    silence_s: float = 30.0  # while entries are fetched
    sending_s: float = 300.0  # of the wait at the end of the run; a store's own patience counts from its last byte
    failed_s: float = 5.0  # of the same wait after a run that failed: its user waits for the error
    _outbox: Outbox | None = field(default=None, init=False)
    _tell: Callable[[str], None] = field(default=log.warning, init=False)
    _deaf: bool = field(default=True, init=False)  # nothing is fetched, as before and after the run
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)
    _words: list[str] = field(default_factory=list, init=False)  # of any thread, for the user
    _known: set[Entry] = field(default_factory=set, init=False)  # came from there, or goes there
    _used: set[Entry] = field(default_factory=set, init=False)  # came from there, in this run or before
    _results: Callable[[], Iterable[Entry]] = field(default=tuple, init=False)

    # -- the run -----------------------------------------------------------------------------------------------------

    def begin(self, cache: Cache, tell: Callable[[str], None], results: Callable[[], Iterable[Entry]] = tuple) -> None:
        """Looks whether the place can be used, and goes on with what earlier runs could not send."""
        self._tell, self._deaf, self._results = tell, False, results
        self._outbox = Outbox(store=self.store, secret=self.secret, cache=cache, place=self.place, stuck=self._stuck)
        try:
            if refusal := in_time(self._refusal, self.answer_s):
                self._stuck(refusal)
        except (ConfigError, PluginError, AccessError):
            raise
        except (QmvError, TimeoutError) as error:
            self._away(error)
        self._speak()
        for area, key in list(self._outbox.left()):
            self.share(area, [key])

    def _refusal(self) -> AccessError | None:
        """Why the place takes nothing from this machine; raises where it is no shared cache to be read, either."""
        try:
            self.store.check()
        except AccessError as error:
            with contextlib.suppress(QmvError):
                if self.store.look(SIGN) is not None:
                    return error
            raise
        return None

    def blame(self, error: BaseException) -> None:
        """After a run that failed with what it was put together from: has all that was fetched of it made here."""
        if self._outbox is None or not _in_pieces(error):
            return
        doubts = self._outbox.doubts
        results = [entry for entry in self._results() if doubts.is_fetched(entry)]
        if not self._used and not results:
            return
        with contextlib.suppress(OSError):
            doubts.doubt(self._used, results)
        many = f"{len(self._used)} pieces of the video" if len(self._used) > 1 else "a piece of the video"
        self._words.append(
            f"{many} came from the shared cache and may be wrong; the same command makes them here"
            if self._used
            else "pieces of the video came from the shared cache; the same command puts it together anew"
        )

    def finish(self, *, failed: bool = False) -> None:
        """Waits until everything is sent, or cannot be, for `sending_s` at most, or `failed_s`; what is left, the next
        run sends."""
        if self._outbox is not None:
            most_s = self.failed_s if failed else self.sending_s
            left = self._outbox.wait(min(_TELL_S, most_s))
            if left and most_s > _TELL_S and not self._outbox.shut:
                self._words.append(f"waiting until {_entries(left)} in the shared cache, {most_s:.0f} s at most")
                self._speak()
                left = self._outbox.wait(most_s - _TELL_S)
            if left and not self._outbox.shut:  # else it is told already
                self._words.append(f"{_entries(left)} not in the shared cache yet; the next run sends what is missing")
            self.leave()
        self._speak()

    def leave(self) -> None:
        """Sends nothing more, and waits for nothing; what is half sent is nothing there."""
        self._deaf = True
        if self._outbox is not None:
            self._outbox.close()

    # -- taking and giving -------------------------------------------------------------------------------------------

    def bring(self, cache: Cache, area: str, keys: Sequence[str], check: Check) -> None:
        """Fetches what stands there of entries that are missing here, side by side; see `Cache.bring`."""
        if self._deaf or self._outbox is None:
            return
        doubts, seen = self._outbox.doubts, self._outbox.seen
        keys = [key for key in keys if (area, key) not in seen and not doubts.is_doubted((area, key))]
        if not keys:
            return
        inbox = Inbox(
            store=self.store, secret=self.secret, cache=cache, outbox=self._outbox, known=self._known,
            deaf=lambda: self._deaf, away=self._away, silence_s=self.silence_s,
        )  # fmt: skip
        broken = inbox.fetch(area, keys, check)
        for key in keys:
            self._use((area, key))
        if broken:
            many = _entries(len(broken))
            self._words.append(f"{many} broken in the shared cache ({area}: {broken[0]}), not used and made anew")
        self._speak()

    def share(self, area: str, keys: Iterable[str]) -> None:
        """Sends entries beside the work, where they do not stand there yet."""
        if self._outbox is None or not self.sends:
            return
        for key in keys:
            self._use((area, key))
            if (area, key) not in self._known:
                self._known.add((area, key))
                self._outbox.add(area, key)

    def _use(self, entry: Entry) -> None:
        """Notes that the run's results hang on an entry, where it is from elsewhere."""
        if self._outbox is None or entry[0] not in _PIECES or entry in self._used:
            return
        doubts = self._outbox.doubts
        if doubts.is_fetched(entry):
            self._used.add(entry)
            for result in self._results():
                doubts.fetched(result)

    # -- words -------------------------------------------------------------------------------------------------------

    def _away(self, error: Exception) -> None:
        """It is the network, or this disk: nobody should wait for it again."""
        log.warning("shared cache: away", exc_info=error)
        self._stop(f"the shared cache is away ({_cause(error)}); this run goes on without it", deaf=True)

    def _stuck(self, error: Exception) -> None:
        """What was sent was not taken; where that is no refusal, it is the network."""
        if isinstance(error, ServiceError) and not isinstance(error, AccessError):
            self._away(error)
            return
        log.warning("shared cache: nothing more is sent", exc_info=error)
        self._stop(f"the shared cache takes nothing ({_cause(error)}); this run goes on without sending", deaf=False)

    def _stop(self, words: str, *, deaf: bool) -> None:
        """Stops what does not work, and has that told by the first to do so."""
        with self._guard:
            if not (self._deaf or (self._outbox is not None and self._outbox.shut)):
                self._words.append(words)  # before the stop, which ends the wait of who tells it
            self._deaf = self._deaf or deaf
            if self._outbox is not None:
                self._outbox.stop()

    def _speak(self) -> None:
        while self._words:
            self._tell(self._words.pop(0))


def _entries(count: int) -> str:
    return "an entry is" if count == 1 else f"{count} entries are"


def _in_pieces(error: BaseException) -> bool:
    """Whether a run may have failed by what it was put together from, rather than by what its user can mend."""
    if isinstance(error, OSError) and output_error(error) is not None:
        return False
    return isinstance(error, ProofError) or not isinstance(error, (QmvError, KeyboardInterrupt, SystemExit))


def _cause(error: Exception) -> str:
    """The reason without its cure, which is for a place that a run cannot do without."""
    if isinstance(error.__cause__, OSError) and not isinstance(error, TimeoutError):
        return error.__cause__.strerror or str(error.__cause__)
    words = str(error).removeprefix(f"{WHERE}: ").partition(";")[0].rstrip(".")
    return words or type(error).__name__
