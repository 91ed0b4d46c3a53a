"""The way of one picture from its request to its bytes, whatever happens between.

Its rules: an order is on disk before it is sent; nothing is ordered anew while it is open what became of the last
order; a service that is in doubt is asked before it is sent anything again; and no picture takes longer than its
deadline. Everything runs in one event loop, whose clock is the one of the deadlines.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from qmv.api import ImageRequest, Outcome, Purchases
from qmv.buying.look import look_at
from qmv.buying.patience import Patience
from qmv.buying.seller import Busy, Doubt, Refused, Seller, Sold, Spoilt
from qmv.errors import AccessError, BudgetError, QmvError, ServiceError

__all__ = ["Shop", "Terms"]

log = logging.getLogger("qmv")

_ON_ITS_WAY_S = 1.0  # a message that left on a lost connection may still arrive
_CLOSE_S = 3.0
_PROOF_EVERY_S = 0.1
_FETCHES, _FETCHING = 4, 0.25  # of a file in doubt: at least so often, and for so much of the deadline


@dataclass(frozen=True, kw_only=True)
class Terms:
    """`at_once` orders are in work; a picture fails `deadline_s` after its turn, or with its `tries`-th bad file."""

    at_once: int
    deadline_s: float
    tries: int = 3


@dataclass(kw_only=True)
class Shop:
    """Buys a batch of pictures from one seller; `outcomes` is called once."""

    seller: Seller
    purchases: Purchases
    terms: Terms
    tell: Callable[[str], None]
    stop: QmvError | None = None
    last_success: float = 0.0
    last_file: float = 0.0
    slots: asyncio.Semaphore = field(init=False)
    patience: Patience = field(init=False)

    async def outcomes(self, requests: Sequence[ImageRequest]) -> AsyncIterator[Outcome]:
        """An outcome a request, as they come."""
        self.slots = asyncio.Semaphore(self.terms.at_once)
        self.patience = Patience(tell=self.tell)
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

    # -- one picture -------------------------------------------------------------------------------------------------

    async def _outcome(self, request: ImageRequest) -> Outcome:
        async with self.slots:
            # a budget that is used up has nothing against what was ordered earlier
            if self.stop is not None and not isinstance(self.stop, BudgetError):
                return Outcome(request=request, error=self.stop)
            trip = _Trip(request=request, began=_now())
            late = asyncio.timeout(self.terms.deadline_s)
            try:
                async with late:
                    outcome = await self._until_had(trip)
                self.last_success = _now()
                self.patience.served()
            except QmvError as error:
                if isinstance(error, (AccessError, BudgetError)):
                    self.stop = self.stop or error
                return Outcome(request=request, error=error)
            except Exception as error:
                if late.expired() and isinstance(error, TimeoutError):
                    return Outcome(request=request, error=self._late(trip))
                log.error("%s: failed", self._name(trip), exc_info=True)
                text = f"{self._name(trip)}: failed ({type(error).__name__}); the details are in run.log."
                return Outcome(request=request, error=ServiceError(text))
            return outcome

    async def _until_had(self, trip: _Trip) -> Outcome:
        pending = await asyncio.to_thread(self.purchases.pending, trip.request)
        trip.open, trip.paid = [order.id for order in pending], {order.id for order in pending if order.paid}
        if trip.open and not self.seller.asks:
            await self._write_off(trip)
        if not trip.open and (outcome := await self._had(trip)) is not None:
            return outcome
        while True:
            try:
                return await self._try(trip)
            except Busy as busy:
                if trip.open[0] in trip.paid:
                    await self._spoil(trip, Spoilt(str(busy)))
                else:
                    await self._end(trip, self.purchases.cancelled)
                await self._wait(trip, busy)
            except Refused as refusal:
                if trip.open[0] in trip.paid:
                    await self._spoil(trip, Spoilt(str(refusal), final=True))
                await self._end(trip, self.purchases.cancelled)
                raise ServiceError(f"{self._name(trip)}: {refusal}.") from refusal
            except Doubt as doubt:
                trip.fresh = False
                if not self.seller.asks:
                    await self._give_up(trip, doubt)
                await self._wait(trip, doubt)
            except Spoilt as spoilt:
                await self._spoil(trip, spoilt)
                await self._wait(trip, spoilt)

    async def _had(self, trip: _Trip) -> Outcome | None:
        """The picture of an order whose file was deleted since: asked for once, and bought anew where that is vain."""
        request = trip.request
        for order in await asyncio.to_thread(self.purchases.had, request) if self.seller.asks else ():
            try:
                sold = await self.seller.find(request, order)
                image = None if sold is None else await self._seen(trip, sold)
            except (Busy, Refused, Doubt, Spoilt):
                continue
            if image is not None:
                cost = await asyncio.to_thread(self.purchases.paid, request, order, None)
                return Outcome(request=request, image=image, cost=cost, order=order)
        return None

    async def _try(self, trip: _Trip) -> Outcome:
        request = trip.request
        if not trip.open:
            trip.open, trip.fresh = [await self._begun(request)], True
            if self.stop is not None and not isinstance(self.stop, BudgetError):  # meanwhile; it was not sent yet
                await self._end(trip, self.purchases.cancelled)
                raise self.stop
        order = trip.open[0]
        try:
            sold = await (self.seller.order(request, order) if trip.fresh else self._found(trip))
        except AccessError as error:
            if trip.fresh and not isinstance(error.__cause__, Doubt):
                await self._end(trip, self.purchases.cancelled)
            raise
        trip.fresh, trip.sold = False, sold
        trip.paid.add(order)
        cost = await asyncio.to_thread(self.purchases.paid, request, order, sold.cost)
        return Outcome(request=request, image=await self._picture(trip, sold), cost=cost, order=order)

    async def _begun(self, request: ImageRequest) -> str:
        """A new order's id, when it is time for one."""
        while True:
            await self.patience.quiet(lambda: self.stop)
            self._go_on()
            if (order := await asyncio.to_thread(self.purchases.begin, request)) is not None:
                return order
            await asyncio.sleep(_PROOF_EVERY_S)

    def _go_on(self) -> None:
        """Raises what stops new orders, if anything does."""
        if self.stop is not None:
            raise self.stop

    async def _found(self, trip: _Trip) -> Sold:
        """The order's picture; one that the service has never heard of is sent again, under its own id, so that a
        service that has it after all can say so."""
        request, order = trip.request, trip.open[0]
        for wait_s in (0.0, _ON_ITS_WAY_S):
            await asyncio.sleep(wait_s)
            if (found := await self.seller.find(request, order)) is not None:
                return found
        if order in trip.paid:  # sending it again would cost again
            if trip.sold is None:
                raise Spoilt("the service has lost a picture that it sold")
            return trip.sold
        if isinstance(self.stop, AccessError):
            raise self.stop
        try:
            return await self.seller.order(request, order)
        except Busy as busy:  # which is about the second message, not the first
            if busy.everyone:
                self.patience.limited(busy)
            raise Doubt(str(busy)) from busy

    async def _picture(self, trip: _Trip, sold: Sold) -> bytes:
        """The file, looked at; a bad one is fetched once more before it counts as paid in vain."""
        try:
            return await self._seen(trip, sold)
        except Spoilt as spoilt:
            if spoilt.final or not self.seller.asks:
                raise
            try:
                again = await self.seller.find(trip.request, trip.open[0])
            except (Busy, Refused):  # which is no word on what was paid for already
                raise spoilt from None
            if again is None:
                raise
            return await self._seen(trip, again)

    async def _seen(self, trip: _Trip, sold: Sold) -> bytes:
        if sold.unwanted:
            raise Spoilt(sold.unwanted, final=True)
        image = sold.image if sold.image is not None else await self._fetched(trip, sold)
        await asyncio.to_thread(look_at, image, self.seller.size(trip.request))
        return image

    async def _fetched(self, trip: _Trip, sold: Sold) -> bytes:
        while True:
            try:
                file = await self.seller.fetch(sold)
                self.last_file = _now()
                return file
            except Doubt as doubt:
                if self._is_lost(trip):
                    raise Spoilt(str(doubt)) from doubt
                if self.seller.asks:  # where the file may have another address by now
                    raise
                await self._wait(trip, doubt)

    def _is_lost(self, trip: _Trip) -> bool:
        """Whether it is the file that is at fault: while no other comes either it may be the place where all lie,
        and a picture that is there must not be bought anew."""
        trip.fetches += 1
        if trip.fetches == 1:
            trip.first_fetch = _now()
        others_come = self.last_file > trip.first_fetch
        return trip.fetches >= _FETCHES and (
            others_come or _now() - trip.first_fetch > _FETCHING * self.terms.deadline_s
        )

    # -- when it goes wrong ------------------------------------------------------------------------------------------

    async def _end(self, trip: _Trip, how: Callable[[str], None]) -> None:
        order, trip.open, trip.fetches = trip.open[0], trip.open[1:], 0
        trip.fresh, trip.sold = False, None
        await asyncio.to_thread(how, order)

    async def _spoil(self, trip: _Trip, spoilt: Spoilt) -> None:
        """What was paid for is no picture: raises the end of it, unless another order may bring one."""
        await self._end(trip, lambda order: self.purchases.spoiled(trip.request, order))
        trip.bad += 1
        if spoilt.final:
            raise ServiceError(f"{self._name(trip)}: {spoilt} (it was paid for).") from spoilt
        if trip.bad >= self.terms.tries:
            text = f"{self._name(trip)}: {spoilt}, {trip.bad} times, and each was paid for"
            raise ServiceError(f"{text}; try another seed, size or model.") from spoilt

    async def _write_off(self, trip: _Trip) -> None:
        for order in trip.open:
            await asyncio.to_thread(self.purchases.spoiled, trip.request, order)
        log.warning("%s: an earlier order may have been paid for in vain; it counts as spent", self._name(trip))
        trip.open = []

    async def _give_up(self, trip: _Trip, doubt: Doubt) -> None:
        """The service cannot tell what became of an order: a free one is sent again, a dear one is the user's call."""
        if self.purchases.wanted[trip.request].price == 0:
            await self._end(trip, self.purchases.cancelled)
            return
        await self._end(trip, lambda order: self.purchases.spoiled(trip.request, order))
        raise ServiceError(
            f"{self._name(trip)}: {doubt}, so it may have been paid for, and the service cannot tell; run the same "
            "command again to buy it anew."
        ) from doubt

    async def _wait(self, trip: _Trip, trouble: Exception) -> None:
        trip.last = str(trouble)
        trip.troubles += 1
        await self.patience.after(trip.troubles - 1, trouble, self._name(trip))

    def _late(self, trip: _Trip) -> ServiceError:
        """The deadline passed; if nothing at all came in all that time, the others are not begun."""
        order = ""
        if trip.open:
            asked = "what may be paid for is asked for first when the same command is run again"
            order = f"; {asked if self.seller.asks else 'it may have been paid for, and counts as spent'}"
        last = f" ({trip.last})" if trip.last else ""
        error = ServiceError(f"{self._name(trip)}: did not come within {self.terms.deadline_s:.10g} s{last}{order}.")
        if self.last_success < trip.began:
            self.stop = self.stop or error
        return error

    def _name(self, trip: _Trip) -> str:
        return f"image ({self.seller.name}): {trip.request.place}"


@dataclass(kw_only=True)
class _Trip:
    """Where a picture is: its orders that may be paid for, and whether the first of them was not sent yet."""

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


def _now() -> float:
    return asyncio.get_running_loop().time()
