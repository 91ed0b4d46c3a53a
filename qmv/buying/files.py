"""Bringing a sold picture home: its file is fetched and looked at before it counts as one."""

from __future__ import annotations

import asyncio

from qmv.buying.batch import now
from qmv.buying.look import look_at
from qmv.buying.orders import Orders
from qmv.buying.seller import Busy, Doubt, Refused, Sold, Spoilt

__all__ = ["picture", "seen"]

_FETCHES, _FETCHING = 4, 0.25  # of a file in doubt: at least so often, and for so much of the deadline


async def picture(orders: Orders, sold: Sold) -> bytes:
    """The file, looked at; a bad one is fetched once more before it counts as paid in vain."""
    seller = orders.batch.seller
    try:
        return await seen(orders, sold)
    except Spoilt as spoilt:
        if spoilt.final or not seller.asks:
            raise
        try:
            again = await seller.find(orders.request, orders.open[0])
        except (Busy, Refused):  # which is no word on what was paid for already
            raise spoilt from None
        if again is None:
            raise
        return await seen(orders, again)


async def seen(orders: Orders, sold: Sold) -> bytes:
    """The file, looked at; Spoilt where it is bad."""
    if sold.unwanted:
        raise Spoilt(sold.unwanted, final=True)
    image = sold.image if sold.image is not None else await _fetched(orders, sold)
    await asyncio.to_thread(look_at, image, orders.batch.seller.size(orders.request))
    return image


async def _fetched(orders: Orders, sold: Sold) -> bytes:
    batch = orders.batch
    while True:
        try:
            file = await batch.seller.fetch(sold)
            batch.last_file = now()
            return file
        except Doubt as doubt:
            if _is_lost(orders):
                raise Spoilt(str(doubt)) from doubt
            if batch.seller.asks:  # where the file may have another address by now
                raise
            await orders.wait(doubt)


def _is_lost(orders: Orders) -> bool:
    """Whether it is the file that is at fault: while no other comes either it may be the place where all lie,
    and a picture that is there must not be bought anew."""
    orders.fetches += 1
    if orders.fetches == 1:
        orders.first_fetch = now()
    others_come = orders.batch.last_file > orders.first_fetch
    return orders.fetches >= _FETCHES and (
        others_come or now() - orders.first_fetch > _FETCHING * orders.batch.terms.deadline_s
    )
