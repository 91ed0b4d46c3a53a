"""Pictures bought from a fake, and what the ledger says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from qmv.api import ImageProvider, ImageRequest, Outcome
from qmv.engine.ledger import Sums
from qmv.errors import QmvError
from qmv.testing import image_request, trial_purchases

__all__ = ["Bought", "bought", "wanted"]


@dataclass(frozen=True, kw_only=True)
class Bought:
    """What became of requests, in their order, and what the ledger holds now."""

    outcomes: list[Outcome]
    sums: Sums

    @property
    def had(self) -> list[int]:
        """Which pictures came."""
        return [outcome.request.index for outcome in self.outcomes if outcome.image]

    @property
    def errors(self) -> list[QmvError]:
        return [outcome.error for outcome in self.outcomes if outcome.error]

    @property
    def sentences(self) -> set[str]:
        return {str(error) for error in self.errors}


def wanted(count: int, *, side_px: int = 512) -> list[ImageRequest]:
    """Requests for different pictures, called 'picture 0', 'picture 1' ..."""
    return [
        image_request(index=index, seed=index + 1, prompt=f"picture {index}", width_px=side_px, height_px=side_px)
        for index in range(count)
    ]


def bought(
    provider: ImageProvider, requests: Sequence[ImageRequest], folder: Path, *, cap: Decimal | None = None
) -> Bought:
    """Buys them all, with the ledger in `folder`; whoever buys there again is the same user's next run."""
    purchases = trial_purchases(folder, provider, requests, cap=cap)
    outcomes = sorted(provider.render_all(requests, purchases), key=lambda outcome: outcome.request.index)
    return Bought(outcomes=outcomes, sums=purchases.account.sums())
