"""What an image provider is asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qmv.errors import QmvError

__all__ = ["ImageRequest", "Outcome"]


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One picture to make. `look` and `palette` (hex colours, dark to light) help providers that draw."""

    index: int
    prompt: str
    negative_prompt: str
    seed: int
    framing: str
    subject: str
    look: str
    palette: tuple[str, ...]
    width_px: int
    height_px: int

    @property
    def place(self) -> str:
        """Which picture it is, for a sentence; counted from 1, as the storyboard's shots are."""
        return f"picture {self.index + 1}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a request: the bytes of an image file, or the error that stopped it.

    `cost` is what the service took for the picture in US dollars, `order` the id in the ledger under which it was
    bought. After an AccessError or a BudgetError no other request was begun.
    """

    request: ImageRequest
    image: bytes | None = None
    error: QmvError | None = None
    cost: Decimal | None = None
    order: str = ""
