"""An event loop of its own for the network, so that no work on pictures holds up a heartbeat."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence

from qmv.api import ImageRequest, Outcome, Purchases
from qmv.buying.batch import Terms
from qmv.buying.seller import Seller
from qmv.buying.shop import Shop

__all__ = ["buy"]

_LEAVE_S = 5.0  # for closing connections when nobody wants the rest


def buy(
    seller: Callable[[], Seller], requests: Sequence[ImageRequest], purchases: Purchases, terms: Terms
) -> Iterator[Outcome]:
    """An outcome a request, as they come. `seller` is called in the loop that it will live in.

    Whoever stops looking leaves open what is in work: it is in the ledger, and the next run asks for it.
    """
    if not requests:
        return
    found: queue.SimpleQueue[Outcome | str | BaseException | None] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()

    async def shop() -> None:
        trade = Shop(seller=seller(), purchases=purchases, terms=terms, tell=found.put)
        async for outcome in trade.outcomes(requests):
            found.put(outcome)

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(shop())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            found.put(error)
        finally:
            found.put(None)

    thread = threading.Thread(target=work, name="buying", daemon=True)
    thread.start()
    ended = False
    try:
        while (outcome := found.get()) is not None:
            if isinstance(outcome, str):
                purchases.tell(outcome)
                continue
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
        ended = True
    finally:
        if not ended:
            with contextlib.suppress(RuntimeError):  # the loop has come to its end by itself
                loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join(_LEAVE_S)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
