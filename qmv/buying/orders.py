"""One picture's orders, and how each of them ends in the books: called off, or paid in vain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from qmv.api import ImageRequest
from qmv.buying.batch import Batch
from qmv.buying.seller import Doubt, Sold, Spoilt
from qmv.errors import ServiceError

__all__ = ["Orders"]

log = logging.getLogger("qmv")


@dataclass(kw_only=True)
class Orders:
    """Where a picture is: its orders that may be paid for, and whether the first of them was not sent yet."""

    batch: Batch
    request: ImageRequest
    began: float
    open: list[str] = field(default_factory=list)
    paid: set[str] = field(default_factory=set)  # of these, the service said so
    fresh: bool = False
    sold: Sold | None = None  # what the service gave for the first of them
    bad: int = 0
    fetches: int = 0
    first_fetch: float = 0.0
    troubles: int = 0
    last: str = ""

    @property
    def name(self) -> str:
        """The picture, as its user knows it."""
        return f"image ({self.batch.seller.name}): {self.request.place}"

    async def end(self, how: Callable[[str], None]) -> None:
        """Takes the first order off, and has `how` write its end into the books."""
        order, self.open, self.fetches = self.open[0], self.open[1:], 0
        self.fresh, self.sold = False, None
        await asyncio.to_thread(how, order)

    async def spoil(self, spoilt: Spoilt) -> None:
        """What was paid for is no picture: raises the end of it, unless another order may bring one."""
        await self.end(lambda order: self.batch.purchases.spoiled(self.request, order))
        self.bad += 1
        if spoilt.final:
            raise ServiceError(f"{self.name}: {spoilt} (it was paid for).") from spoilt
        if self.bad >= self.batch.terms.tries:
            text = f"{self.name}: {spoilt}, {self.bad} times, and each was paid for"
            raise ServiceError(f"{text}; try another seed, size or model.") from spoilt

    async def write_off(self) -> None:
        """Orders of an earlier run, which a service that cannot be asked may have been paid for."""
        for order in self.open:
            await asyncio.to_thread(self.batch.purchases.spoiled, self.request, order)
        log.warning("%s: an earlier order may have been paid for in vain; it counts as spent", self.name)
        self.open = []

    async def give_up(self, doubt: Doubt) -> None:
        """The service cannot tell what became of an order: a free one is sent again, a dear one is the user's call."""
        if self.batch.purchases.wanted[self.request].price == 0:
            await self.end(self.batch.purchases.cancelled)
            return
        await self.end(lambda order: self.batch.purchases.spoiled(self.request, order))
        raise ServiceError(
            f"{self.name}: {doubt}, so it may have been paid for, and the service cannot tell; run the same "
            "command again to buy it anew."
        ) from doubt

    async def wait(self, trouble: Exception) -> None:
        """The pause after the picture's next trouble."""
        self.last = str(trouble)
        self.troubles += 1
        await self.batch.patience.after(self.troubles - 1, trouble, self.name)
