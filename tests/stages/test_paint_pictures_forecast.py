"""What a dry run says of the pictures and their price."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qmv.api import Context, ImageProvider, Ledger
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls
from tests.stages.painting import CENT, shop, sold


def forecast(tmp_path: Path, count: int, provider: ImageProvider, **settings: object) -> tuple[str, Context]:
    stage, ctx = PaintPictures(image=provider, width=WIDTH, height=HEIGHT, **settings), stage_context(tmp_path)
    return stage.forecast(ctx, style=style(), storyboard=board([12] * count)), ctx


def test_forecast_says_what_the_missing_pictures_cost(tmp_path: Path) -> None:
    sold(tmp_path, 2)
    text, ctx = forecast(tmp_path, 5, shop(tmp_path))
    assert text == "3 pictures to make, 2 cached; about $0.03 at $0.01 each"
    assert list(ctx.offers.values()) == [CENT] * 3
    assert len(calls(tmp_path / "ledger")) == 2


@pytest.mark.parametrize(
    ("budget_usd", "end"), [(0.03, ", within budget_usd ($0.03)"), (0.02, ", MORE than budget_usd ($0.02)")]
)
def test_forecast_compares_with_the_budget(tmp_path: Path, budget_usd: float, end: str) -> None:
    assert forecast(tmp_path, 3, shop(tmp_path), budget_usd=budget_usd)[0].endswith(end)


def test_forecast_of_what_is_all_there_buys_nothing(tmp_path: Path) -> None:
    sold(tmp_path, 2)
    assert forecast(tmp_path, 2, shop(tmp_path))[0] == "0 pictures to make, 2 cached; nothing to buy"


def test_forecast_says_where_no_price_is_known(tmp_path: Path) -> None:
    text, _ = forecast(tmp_path, 2, shop(tmp_path, usd=None))
    assert text.endswith("their price is not known (image.price_usd=PRICE gives it)")


def test_forecast_goes_by_what_the_service_took(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    order = ledger.begin("another", "shop 64x64", CENT, budget="b", run="r", cap=None)
    ledger.end(order, "kept", Decimal("0.004"))
    assert forecast(tmp_path, 2, shop(tmp_path))[0].endswith("about $0.008 at $0.004 each")
