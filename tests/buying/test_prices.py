"""The price list: what a picture of some size and number of steps costs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from qmv.buying.prices import list_price
from qmv.errors import ConfigError

SCHNELL = {"usd": 0.0006, "width": 512, "height": 512, "steps": 4}
ROOT = Path(__file__).resolve().parents[2]


def price(entry: Any, width: int = 512, height: int = 512, steps: int | None = None) -> Decimal | None:
    return list_price({"a model": entry}, "a model", width, height, steps)


def test_a_model_that_is_not_listed_has_no_price() -> None:
    assert list_price({}, "a model", 512, 512) is None


@pytest.mark.parametrize(
    ("entry", "size", "steps", "usd"),
    [
        (SCHNELL, (512, 512), None, "0.0006"),
        (SCHNELL, (1024, 1024), None, "0.0024"),
        (SCHNELL, (1024, 512), 8, "0.0024"),
        (SCHNELL, (512, 512), 2, "0.0003"),
        ({"usd": "0.04"}, (1024, 1536), 50, "0.04"),
        ({"usd": 0.04, "width": 512}, (1024, 1024), None, "0.04"),
        ({"usd": 0}, (1024, 1024), None, "0"),
        ({"usd": 0.01, "width": None, "height": None, "steps": None}, (64, 64), 9, "0.01"),
    ],
)
def test_other_sizes_and_steps_cost_in_proportion(
    entry: dict[str, Any], size: tuple[int, int], steps: int | None, usd: str
) -> None:
    assert price(entry, *size, steps) == Decimal(usd)


@pytest.mark.parametrize(
    "entry",
    [
        None, 0.04, [0.04], {}, {"price": 0.04}, {"usd": 0.04, "size": 512}, {"usd": "a few cents"}, {"usd": -1},
        {"usd": "NaN"}, {"usd": "Infinity"}, {"usd": None}, {"usd": [1]}, {"usd": 1, "width": "wide", "height": 1},
        {"usd": 1, "width": [1], "height": 1}, {"usd": 1, "width": 0, "height": 512},
        {"usd": 1, "width": -512, "height": 512}, {"usd": 1, "steps": -4}, {"usd": 1, "steps": 0.5},
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_is_no_price_is_a_sentence(entry: Any) -> None:
    if entry is None:
        assert price(entry) is None
        return
    with pytest.raises(ConfigError, match=r"^prices: 'a model' cannot be read \(.*\); mend the price list\.$"):
        price(entry, steps=4)


def test_every_price_of_the_shipped_list_can_be_read() -> None:
    shipped = yaml.safe_load((ROOT / "conf" / "prices" / "usd.yaml").read_text(encoding="utf-8"))
    prices = [list_price(models, model, 1024, 1024) for models in shipped.values() for model in models]
    assert prices
    assert all(usd is not None and 0 < usd < 1 for usd in prices)
