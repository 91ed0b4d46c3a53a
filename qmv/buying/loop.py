"""The way of one picture from its request to its bytes, whatever happens between.

Its rules: an order is on disk before it is sent; nothing is ordered anew while it is open what became of the last
order; and a service that is in doubt is asked before it is sent anything again.
"""

from __future__ import annotations

import asyncio

from qmv.api import Outcome
from qmv.buying.files import picture, seen
from qmv.buying.orders import Orders
from qmv.buying.seller import Busy, Doubt, Refused, Sold, Spoilt
from qmv.errors import AccessError, BudgetError, ServiceError

__all__ = ["until_had"]

_ON_ITS_WAY_S = 1.0  # a message that left on a lost connection may still arrive
_PROOF_EVERY_S = 0.1


async def until_had(orders: Orders) -> Outcome:
    """The picture, however often it has to be tried; raises a QmvError where it cannot be had."""
    purchases, seller = orders.batch.purchases, orders.batch.seller
    pending = await asyncio.to_thread(purchases.pending, orders.request)
    orders.open, orders.paid = [order.id for order in pending], {order.id for order in pending if order.paid}
    if orders.open and not seller.asks:
        await orders.write_off()
    if not orders.open and (outcome := await _had(orders)) is not None:
        return outcome
    while True:
        try:
            return await _try(orders)
        except Busy as busy:
            if orders.open[0] in orders.paid:
                await orders.spoil(Spoilt(str(busy)))
            else:
                await orders.end(purchases.cancelled)
            await orders.wait(busy)
        except Refused as refusal:
            if orders.open[0] in orders.paid:
                await orders.spoil(Spoilt(str(refusal), final=True))
            await orders.end(purchases.cancelled)
            raise ServiceError(f"{orders.name}: {refusal}.") from refusal
        except Doubt as doubt:
            orders.fresh = False
            if not seller.asks:
                await orders.give_up(doubt)
            await orders.wait(doubt)
        except Spoilt as spoilt:
            await orders.spoil(spoilt)
            await orders.wait(spoilt)


async def _had(orders: Orders) -> Outcome | None:
    """The picture of an order whose file was deleted since: asked for once, and bought anew where that is vain."""
    purchases, seller, request = orders.batch.purchases, orders.batch.seller, orders.request
    for order in await asyncio.to_thread(purchases.had, request) if seller.asks else ():
        try:
            sold = await seller.find(request, order)
            image = None if sold is None else await seen(orders, sold)
        except (Busy, Refused, Doubt, Spoilt):
            continue
        if image is not None:
            cost = await asyncio.to_thread(purchases.paid, request, order, None)
            return Outcome(request=request, image=image, cost=cost, order=order)
    return None


async def _try(orders: Orders) -> Outcome:
    batch, request = orders.batch, orders.request
    if not orders.open:
        orders.open, orders.fresh = [await _begun(orders)], True
        if batch.stop is not None and not isinstance(batch.stop, BudgetError):  # meanwhile; it was not sent yet
            await orders.end(batch.purchases.cancelled)
            raise batch.stop
    order = orders.open[0]
    try:
        sold = await (batch.seller.order(request, order) if orders.fresh else _found(orders))
    except AccessError as error:
        if orders.fresh and not isinstance(error.__cause__, Doubt):
            await orders.end(batch.purchases.cancelled)
        raise
    orders.fresh, orders.sold = False, sold
    orders.paid.add(order)
    cost = await asyncio.to_thread(batch.purchases.paid, request, order, sold.cost)
    return Outcome(request=request, image=await picture(orders, sold), cost=cost, order=order)


async def _begun(orders: Orders) -> str:
    """A new order's id, when it is time for one."""
    batch = orders.batch
    while True:
        await batch.patience.quiet(lambda: batch.stop)
        if batch.stop is not None:
            raise batch.stop
        if (order := await asyncio.to_thread(batch.purchases.begin, orders.request)) is not None:
            return order
        await asyncio.sleep(_PROOF_EVERY_S)


async def _found(orders: Orders) -> Sold:
    """The order's picture; one that the service has never heard of is sent again, under its own id, so that a
    service that has it after all can say so."""
    batch, request, order = orders.batch, orders.request, orders.open[0]
    for wait_s in (0.0, _ON_ITS_WAY_S):
        await asyncio.sleep(wait_s)
        if (found := await batch.seller.find(request, order)) is not None:
            return found
    if order in orders.paid:  # sending it again would cost again
        if orders.sold is None:
            raise Spoilt("the service has lost a picture that it sold")
        return orders.sold
    if isinstance(batch.stop, AccessError):
        raise batch.stop
    try:
        return await batch.seller.order(request, order)
    except Busy as busy:  # which is about the second message, not the first
        if busy.everyone:
            batch.patience.limited(busy)
        raise Doubt(str(busy)) from busy
