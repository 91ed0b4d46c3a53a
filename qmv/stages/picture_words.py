"""What users read of the pictures of a run: which are missing, and what they will cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qmv.engine.ledger import dollars
from qmv.errors import QmvError
from qmv.stages.picture_store import Want

__all__ = ["left_out", "quote"]

_NAMED = 12  # shots without a picture in a sentence; run.log has all


def left_out(failed: dict[str, QmvError], wants: Sequence[Want]) -> str:
    first = str(next(iter(failed.values()))).rstrip(".")
    shots = [str(want.request.index + 1) for want in wants if want.source in failed]
    named = ", ".join(shots[:_NAMED]) + (" ..." if len(shots) > _NAMED else "")
    return f"{len(shots)} of {len(wants)} pictures could not be had (shots {named}; {first})"


def quote(prices: Sequence[Decimal | None]) -> str:
    known = [price for price in prices if price is not None]
    if not prices:
        return "nothing to buy"
    if not known:
        return "their price is not known (image.price_usd=PRICE gives it)"
    unknown = f", and {len(prices) - len(known)} without a known price" if len(known) < len(prices) else ""
    low, high = min(known), max(known)
    each = dollars(low) if low == high else f"{dollars(low)} to {dollars(high)}"
    return f"about {dollars(sum(known, Decimal(0)))} at {each} each{unknown}"
