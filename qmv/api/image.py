"""Pictures."""

from __future__ import annotations

import dataclasses
import logging
import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from decimal import Decimal
from typing import Any, ClassVar

from qmv.api.plugin import Plugin
from qmv.api.purchases import Purchases
from qmv.api.request import ImageRequest, Outcome
from qmv.errors import AccessError, BudgetError, PluginError, QmvError

__all__ = ["ImageProvider"]


log = logging.getLogger("qmv")

_PROOF_EVERY_S = 0.1


class ImageProvider(Plugin):
    """Makes pictures."""

    kind = "image"
    threads: ClassVar[int] = 4  # how many pictures `render_all` makes at the same time
    paid: ClassVar[bool] = False  # whether pictures may cost money: then one without a price has an unknown one
    source_type: ClassVar[str] = ""  # how its pictures came to be, in IPTC's term (docs/rendering.md); '': nobody knows

    def ready(self) -> None:
        """Raises QmvError where it cannot work here, such as for want of a key; asked before anything is made."""

    @abstractmethod
    def render(self, request: ImageRequest) -> bytes:
        """The bytes of a PNG, JPEG or WEBP file of any size; it is cropped to the format afterwards."""

    def notes(self) -> list[str]:
        """What the user should know of the pictures that it has to choose from, a sentence each; asked in each run that
        uses it, also where no picture is to be made."""
        return []

    def model_name(self) -> str:
        """What the pictures are made with, for their metadata; '' where there is no model."""
        return ""

    def request_identity(self, request: ImageRequest) -> dict[str, Any]:
        """What of a request changes the picture; the place in the storyboard (`index`) does not."""
        return {name: value for name, value in dataclasses.asdict(request).items() if name != "index"}

    def price(self, request: ImageRequest) -> Decimal | None:
        """What the picture will cost in US dollars; None where it is free, or not known with `paid`."""
        return None

    def product(self, request: ImageRequest) -> str:
        """What has the same price, in words: the ledger's own figures take the place of `price` by it."""
        return f"{self.name} {request.width_px}x{request.height_px}"

    def render_all(self, requests: Iterable[ImageRequest], purchases: Purchases) -> Iterator[Outcome]:
        """An outcome a request, as they come; an error is an outcome too, so that it loses no sibling.

        Maps `render` over threads, and books what has a price; providers that batch or multiplex bring their own.
        """
        pool = ThreadPoolExecutor(self.threads)
        stops: list[QmvError] = []  # the first of them ends all that is not begun, also while nobody looks
        try:
            futures = {pool.submit(self._buy, request, purchases, stops): request for request in requests}
            for future in as_completed(futures):
                request = futures[future]
                error = stops[0] if future.cancelled() else future.exception()
                if error is None:
                    yield future.result()
                    continue
                if isinstance(error, (AccessError, BudgetError)):
                    for other in futures:
                        other.cancel()  # those that are paid for already go on
                if not isinstance(error, QmvError):
                    log.error("image (%s): picture %d failed", self.name, request.index, exc_info=error)
                    where = f"image ({self.name}): {request.place} failed"
                    error = PluginError(f"{where} ({type(error).__name__}: {error}); the details are in run.log.")
                yield Outcome(request=request, error=error)
        finally:
            # whoever stops asking wants no more pictures, and does not wait for one that hangs
            pool.shutdown(wait=False, cancel_futures=True)

    def _buy(self, request: ImageRequest, purchases: Purchases, stops: list[QmvError]) -> Outcome:
        if stops:
            raise stops[0]
        try:
            return self._bought(request, purchases)
        except (AccessError, BudgetError) as error:
            stops.append(error)
            raise

    def _bought(self, request: ImageRequest, purchases: Purchases) -> Outcome:
        """One picture. A QmvError is the provider's word that nothing was taken; any other end leaves the order open,
        and the next run, which cannot ask for it, books it as spent before it buys again."""
        if self.price(request) is None and not self.paid:
            return Outcome(request=request, image=self.render(request))
        for lost in purchases.pending(request):
            purchases.spoiled(request, lost.id)
        while (order := purchases.begin(request)) is None:
            time.sleep(_PROOF_EVERY_S)
        try:
            image = self.render(request)
        except QmvError:
            purchases.cancelled(order)
            raise
        return Outcome(request=request, image=image, cost=purchases.paid(request, order, None), order=order)
