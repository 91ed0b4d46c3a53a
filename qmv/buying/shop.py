"""Buys a batch of pictures: so many at once, each with its deadline, until they came or something stops them all.

Everything runs in one event loop, whose clock is the one of the deadlines. No picture takes longer than its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from qmv.api import ImageRequest, Outcome, Purchases
from qmv.buying.batch import Batch, Terms, now
from qmv.buying.loop import until_had
from qmv.buying.orders import Orders
from qmv.buying.patience import Patience
from qmv.buying.seller import Seller
from qmv.errors import AccessError, BudgetError, QmvError, ServiceError

__all__ = ["Shop"]

log = logging.getLogger("qmv")

_CLOSE_S = 3.0


@dataclass(kw_only=True)
class Shop:
    """Buys a batch of pictures from one seller; `outcomes` is called once."""

    seller: Seller
    purchases: Purchases
    terms: Terms
    tell: Callable[[str], None]
    slots: asyncio.Semaphore = field(init=False)
    batch: Batch = field(init=False)

    async def outcomes(self, requests: Sequence[ImageRequest]) -> AsyncIterator[Outcome]:
        """An outcome a request, as they come."""
        self.slots = asyncio.Semaphore(self.terms.at_once)
        patience = Patience(tell=self.tell)
        self.batch = Batch(seller=self.seller, purchases=self.purchases, terms=self.terms, patience=patience)
        tasks = [asyncio.create_task(self._outcome(request)) for request in requests]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close()

    async def _close(self) -> None:
        """A service that does not let go must not keep the pictures that came."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.seller.close()
        except Exception:
            log.info("image (%s): the connection could not be closed", self.seller.name, exc_info=True)

    async def _outcome(self, request: ImageRequest) -> Outcome:
        batch = self.batch
        async with self.slots:
            # a budget that is used up has nothing against what was ordered earlier
            if batch.stop is not None and not isinstance(batch.stop, BudgetError):
                return Outcome(request=request, error=batch.stop)
            orders = Orders(batch=batch, request=request, began=now())
            late = asyncio.timeout(self.terms.deadline_s)
            try:
                async with late:
                    outcome = await until_had(orders)
                batch.last_success = now()
                batch.patience.served()
            except QmvError as error:
                if isinstance(error, (AccessError, BudgetError)):
                    batch.stop = batch.stop or error
                return Outcome(request=request, error=error)
            except Exception as error:
                if late.expired() and isinstance(error, TimeoutError):
                    return Outcome(request=request, error=self._late(orders))
                log.error("%s: failed", orders.name, exc_info=True)
                text = f"{orders.name}: failed ({type(error).__name__}); the details are in run.log."
                return Outcome(request=request, error=ServiceError(text))
            return outcome

    def _late(self, orders: Orders) -> ServiceError:
        """The deadline passed; if nothing at all came in all that time, the others are not begun."""
        order = ""
        if orders.open:
            asked = "what may be paid for is asked for first when the same command is run again"
            order = f"; {asked if self.seller.asks else 'it may have been paid for, and counts as spent'}"
        last = f" ({orders.last})" if orders.last else ""
        error = ServiceError(f"{orders.name}: did not come within {self.terms.deadline_s:.10g} s{last}{order}.")
        if self.batch.last_success < orders.began:
            self.batch.stop = self.batch.stop or error
        return error
