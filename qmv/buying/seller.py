"""What a provider brings for its service, and the five ways in which asking it can end badly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from qmv.api import ImageRequest

__all__ = ["Busy", "Doubt", "Refused", "Seller", "Sold", "Spoilt"]


@dataclass(frozen=True, kw_only=True)
class Sold:
    """A picture that the service says it made: its bytes or its address, and what it cost, None where it says not.

    `unwanted` says why it must not be used though it was paid for, '' for one that may.
    """

    image: bytes | None = None
    url: str = ""
    cost: Decimal | None = None
    unwanted: str = ""


class Busy(Exception):
    """This order certainly failed and took nothing; a new one may succeed, after `wait_s` where the service says so.

    `everyone`: the service wants fewer orders, so that all of them wait.
    """

    def __init__(self, message: str, *, wait_s: float | None = None, everyone: bool = False) -> None:
        super().__init__(message)
        self.wait_s, self.everyone = wait_s, everyone


class Refused(Exception):
    """The service certainly will not make this picture, and took nothing."""


class Doubt(Exception):
    """What became of the order is not known: it may be in work, done and paid for, or never have arrived."""


class Spoilt(Exception):
    """The picture was paid for, and what came is no such picture; `final`: nor will another order bring one."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class Seller(Protocol):
    """One service. Its methods raise the exceptions above, or qmv.errors.AccessError where nothing can succeed: that
    one from a Doubt where it is not about this order, which may be paid for.

    They may be cancelled at any await. `asks`: whether `find` can tell what became of an order.
    """

    name: str
    asks: bool

    async def order(self, request: ImageRequest, order: str) -> Sold:
        """Has the picture made under the order's id; the same id is sent again only for one that is not found."""

    async def find(self, request: ImageRequest, order: str) -> Sold | None:
        """What became of an order; None where the service does not know it, Doubt while it is in work."""

    async def fetch(self, sold: Sold) -> bytes:
        """The file; Doubt where trying again may help, Spoilt where it is not there."""

    def size(self, request: ImageRequest) -> tuple[int, int] | None:
        """Width and height in px that the file must have; None where the service does as it likes."""

    async def close(self) -> None:
        """Leaves nothing waiting."""
