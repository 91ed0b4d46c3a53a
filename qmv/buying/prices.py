"""What a picture costs by the price list (conf/prices)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from qmv.errors import ConfigError

__all__ = ["list_price"]


def list_price(
    prices: Mapping[str, Any], model: str, width_px: int, height_px: int, steps: int | None = None
) -> Decimal | None:
    """US dollars for one picture of a model, None for one that is not listed.

    An entry is {usd, width, height, steps}; where it names its size and steps, other ones cost in proportion, as
    services that bill by computing time do.
    """
    if not isinstance(prices, Mapping):
        raise ConfigError(f"prices: a list has models with their prices, got {prices!r}; mend the price list.")
    entry = prices.get(model)
    if entry is None:
        return None
    try:
        known = {"usd", "width", "height", "steps"}
        if not isinstance(entry, Mapping) or "usd" not in entry or set(entry) - known:
            raise ValueError(f"an entry is {{usd: ..., width: ..., height: ..., steps: ...}}, got {entry!r}")
        price = Decimal(str(entry["usd"]))
        if not price.is_finite() or price < 0:
            raise ValueError(f"usd must be at least 0, got {entry['usd']!r}")
        whole = {name: int(entry[name]) for name in ("width", "height", "steps") if entry.get(name) is not None}
        if wrong := [name for name, value in whole.items() if value < 1]:
            raise ValueError(f"{wrong[0]} must be at least 1, got {entry[wrong[0]]!r}")
        if "width" in whole and "height" in whole:
            price *= Decimal(width_px * height_px) / (whole["width"] * whole["height"])
        if steps and "steps" in whole:
            price *= Decimal(steps) / whole["steps"]
    except (ValueError, TypeError, InvalidOperation) as error:
        reason = str(error) if isinstance(error, ValueError) else f"got {entry!r}"
        raise ConfigError(f"prices: '{model}' cannot be read ({reason}); mend the price list.") from error
    return price
