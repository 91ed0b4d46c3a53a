"""How long to bear the faults of a network, and how long to wait between two tries."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from qmv.errors import QmvError, ServiceError

__all__ = ["Patience", "Trouble"]

log = logging.getLogger("qmv")
T = TypeVar("T")
_DOUBLINGS = 5  # of the first wait: 1 s, 2 s ... 32 s


class Trouble(Exception):
    """A fault that may pass. Its text holds no address: an upload's own address is as good as a key."""

    def __init__(self, text: str, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.wait_s = wait_s


@dataclass(kw_only=True)
class Patience:
    """Bears troubles for `patience_s` since the last progress. `judge` tells what an exception is: a Trouble, what to
    raise instead, or None for one that is none of its business."""

    where: str
    patience_s: float
    first_wait_s: float
    judge: Callable[[Exception], Trouble | QmvError | None]
    troubles: int = 0
    since: float = field(default_factory=time.monotonic)

    def rested(self) -> None:
        """There was progress."""
        self.troubles, self.since = 0, time.monotonic()

    def bear(self, ask: Callable[[], T]) -> T:
        """The answer, asked for again after each trouble; `ask` must be safe to repeat."""
        while True:
            try:
                return ask()
            except Exception as error:  # sorted by `after`
                self.after(error)

    def after(self, error: Exception) -> None:
        """Waits after a trouble; raises what is final. The cause is left out, as its text may hold an address."""
        found = error if isinstance(error, Trouble) else self.judge(error)
        if found is None:
            raise error
        if not isinstance(found, Trouble):
            raise found from None
        self._wait(found)

    def _wait(self, trouble: Trouble) -> None:
        borne_s = time.monotonic() - self.since
        if borne_s >= self.patience_s:
            raise ServiceError(
                f"{self.where}: nothing went on for {borne_s:.0f} s ({trouble}); check the network of this machine, "
                "then run the same command again, which goes on where this one ended."
            ) from None
        wait_s = self.first_wait_s * 2.0 ** min(self.troubles, _DOUBLINGS) * random.uniform(0.5, 1.5)
        wait_s = min(max(wait_s, trouble.wait_s), self.patience_s - borne_s)
        self.troubles += 1
        log.info("%s: %s; again in %.1f s", self.where, trouble, wait_s)
        time.sleep(wait_s)
