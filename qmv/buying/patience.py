"""How long to wait after what, so that a service in trouble is not asked all the time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from qmv.buying.seller import Busy
from qmv.errors import QmvError

__all__ = ["Patience"]

log = logging.getLogger("qmv")

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 15.0
_TELL_AFTER = 4  # troubles of one picture, about 7 s


@dataclass(kw_only=True)
class Patience:
    """The pauses of a batch: each picture's own, longer with each of its troubles and never in step with the others,
    and the one that a service wants from all. `tell` gets the first trouble that lasts."""

    tell: Callable[[str], None]
    told: bool = False
    limits: int = 0  # in a row: the service wanted fewer orders
    quiet_until: float = 0.0  # of the loop's clock

    async def after(self, troubles: int, trouble: Exception, name: str) -> None:
        """Waits after the picture's so-manieth trouble, counted from 0."""
        wait_s = _pause_s(troubles)
        if isinstance(trouble, Busy):
            wait_s = max(wait_s, trouble.wait_s or 0.0)
            if trouble.everyone:
                self.limited(trouble)
        if troubles + 1 == _TELL_AFTER and not self.told:
            self.told = True
            self.tell(f"{name}: {trouble}; trying on")
        log.info("%s: %s; again in %.1f s", name, trouble, wait_s)
        await asyncio.sleep(wait_s)

    def limited(self, busy: Busy) -> None:
        """The service wants fewer orders: nobody sends one for a while, longer each time in a row."""
        now = asyncio.get_running_loop().time()
        if now >= self.quiet_until:  # several of one burst are one limit
            self.limits += 1
        self.quiet_until = max(self.quiet_until, now + max(_pause_s(self.limits - 1), busy.wait_s or 0.0))

    def served(self) -> None:
        """A picture came."""
        self.limits = 0

    async def quiet(self, stop: Callable[[], QmvError | None]) -> None:
        """Waits while the service wants no orders, or until something stops them all."""
        loop = asyncio.get_running_loop()
        while (wait_s := self.quiet_until - loop.time()) > 0 and stop() is None:
            await asyncio.sleep(wait_s)


def _pause_s(troubles: int) -> float:
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(troubles, 9)) * random.uniform(0.5, 1.5)
