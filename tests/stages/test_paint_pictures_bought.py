"""Pictures that cost money: bought once, booked, and within the budget."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qmv.api import Cache, ImageRequest, Ledger
from qmv.engine.ledger import Sums
from qmv.errors import AccessError, BudgetError, ConfigError, QmvError, ServiceError
from qmv.events import Event, Notice
from qmv.media.picture import read
from qmv.stages.paint_pictures import PaintPictures
from qmv.stages.picture_store import PictureStore
from qmv.testing import image_request, stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls
from tests.stages.painting import CENT, Shop, shop, sold, sums, tally


def test_paint_books_what_it_buys_and_tells_each_pictures_cost(tmp_path: Path) -> None:
    pictures, ctx = sold(tmp_path, 3)
    assert [picture.cost for picture in pictures.pictures] == [CENT] * 3
    assert sums(tmp_path) == Sums(spent=3 * CENT, orders=3)
    assert (ctx.counts["failed"], Decimal(ctx.counts["saved_usd"])) == (0, 0)


def test_paint_buys_a_picture_once_for_all_formats_that_the_service_makes_of_one_size(tmp_path: Path) -> None:
    wide, _ = sold(tmp_path, 3)
    tall, ctx = sold(tmp_path, 3, width=HEIGHT, height=WIDTH)
    assert calls(tmp_path / "ledger") == [0, 1, 2]
    assert (read(wide.pictures[0].file.path).shape, read(tall.pictures[0].file.path).shape) == (
        (HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3),
    )  # fmt: skip
    assert Decimal(ctx.counts["saved_usd"]) == 3 * CENT


def test_paint_does_not_buy_again_what_it_only_has_to_crop_again(tmp_path: Path) -> None:
    pictures, _ = sold(tmp_path, 2)
    for picture in pictures.pictures:
        picture.file.path.unlink()
    again, _ = sold(tmp_path, 2)
    assert again == pictures
    assert calls(tmp_path / "ledger") == [0, 1]


@pytest.mark.parametrize("on_missing", ["fail", "hold", "fallback"])
def test_access_that_is_denied_stops_the_run_at_once(tmp_path: Path, on_missing: str) -> None:
    """Without a key nothing else can be had, so no other picture stands in for them."""
    with pytest.raises(AccessError, match="shop: access"):
        sold(
            tmp_path, 3, shop(tmp_path, ways={"0": "access", "1": "access", "2": "access"}),
            on_missing=on_missing, fallback=tally(tmp_path),
        )  # fmt: skip
    assert sums(tmp_path) == Sums()


def test_paint_fails_where_a_picture_is_missing_and_keeps_the_others(tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        sold(tmp_path, 3, shop(tmp_path, ways={"1": "refused"}))
    assert str(caught.value) == (
        "shop: refused; 1 of 3 pictures are missing, the others are kept; on_missing=hold or fallback makes the video "
        "without them."
    )
    sold(tmp_path, 3)
    assert calls(tmp_path / "ledger") == [0, 1, 1, 2]
    assert sums(tmp_path) == Sums(spent=3 * CENT, orders=3)


def test_paint_holds_the_neighbours_of_a_picture_that_is_missing(tmp_path: Path) -> None:
    pictures, ctx = sold(tmp_path, 3, shop(tmp_path, ways={"1": "refused"}), on_missing="hold")
    assert (pictures.missing, len(pictures.pictures), pictures.provisional) == ((1,), 2, True)
    assert [picture.seed for picture in pictures.pictures] == [11, 13]
    assert ctx.counts["failed"] == 1


def test_paint_cannot_hold_where_no_picture_came(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"^shop: refused\.$"):
        sold(tmp_path, 2, shop(tmp_path, ways={"0": "refused", "1": "refused"}), on_missing="hold")


def test_paint_lets_another_provider_make_what_is_missing(tmp_path: Path) -> None:
    pictures, _ = sold(
        tmp_path, 3, shop(tmp_path, ways={"1": "refused"}), on_missing="fallback", fallback=tally(tmp_path)
    )
    assert (pictures.stand_ins, pictures.missing, pictures.provisional) == ((1,), (), True)
    assert [picture.provider for picture in pictures.pictures] == ["shop", "tally", "shop"]
    assert [picture.seed for picture in pictures.pictures] == [11, 12, 13]


def test_paint_tells_what_is_missing_and_what_becomes_of_it(tmp_path: Path) -> None:
    seen: list[Event] = []
    stage = PaintPictures(
        image=shop(tmp_path, ways={"1": "refused"}), width=WIDTH, height=HEIGHT, on_missing="fallback",
        fallback=tally(tmp_path),
    )  # fmt: skip
    stage.run(stage_context(tmp_path, publish=seen.append), style=style(), storyboard=board([12] * 3))
    notices = [event.message for event in seen if isinstance(event, Notice)]
    assert notices == ["1 of 3 pictures could not be had (shots 2; shop: refused): image (tally) makes them"]


def test_a_budget_that_is_used_up_keeps_what_was_bought(tmp_path: Path) -> None:
    with pytest.raises(BudgetError) as caught:
        sold(tmp_path, 5, budget_usd=0.03)
    assert str(caught.value).startswith("budget_usd: $0.03 of $0.03 is spent, and the next picture costs about $0.01; ")
    assert "2 of 5 pictures are missing, the others are kept" in str(caught.value)
    assert sums(tmp_path) == Sums(spent=3 * CENT, orders=3)
    sold(tmp_path, 5, budget_usd=0.05)
    assert len(calls(tmp_path / "ledger")) == 5


@pytest.mark.parametrize("on_missing", ["hold", "fallback"])
def test_a_budget_that_is_used_up_can_make_the_video_with_what_there_is(tmp_path: Path, on_missing: str) -> None:
    pictures, _ = sold(tmp_path, 5, budget_usd=0.03, on_missing=on_missing, fallback=tally(tmp_path))
    assert len(pictures.missing) + len(pictures.stand_ins) == 2
    assert sums(tmp_path).spent == 3 * CENT


def test_a_budget_cannot_be_held_without_a_price(tmp_path: Path) -> None:
    stage = PaintPictures(image=shop(tmp_path, usd=None), width=WIDTH, height=HEIGHT, budget_usd=1.0)
    with pytest.raises(ConfigError, match=r"budget_usd: what a picture of shop 64x64 costs is not known"):
        stage.ready(stage_context(tmp_path))


def test_a_picture_that_was_paid_for_and_not_kept_counts_in_the_next_run(tmp_path: Path) -> None:
    """The run was killed between the service's answer and the cache: the money is gone, and it is told."""
    provider = shop(tmp_path)
    store = PictureStore(
        provider=provider, cache=Cache(tmp_path / "cache"), account=stage_context(tmp_path).account, width_px=WIDTH,
        height_px=HEIGHT, version=1, tell=lambda _: None,
    )  # fmt: skip
    shot = board([12]).shots[0]
    request = image_request(index=0, prompt=shot.prompt, seed=shot.seed, width_px=WIDTH, height_px=HEIGHT)
    [want] = store.wants([request])
    store.account.ledger.begin(want.source, "shop 64x64", CENT, budget="trial", run="killed", cap=None)
    sold(tmp_path, 1, provider, run="next")
    assert Ledger(tmp_path / "ledger.sqlite").sums(run="next") == Sums(spent=2 * CENT, orders=2, spoiled=1)


class Torn(Shop):
    """Takes the money, and sends half a file for the second picture."""

    def render(self, request: ImageRequest) -> bytes:
        data = super().render(request)
        return data[:100] if request.index == 1 else data


def test_torn_file_that_was_paid_for_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(QmvError):
        sold(tmp_path, 2, Torn(ledger=str(tmp_path / "ledger")))
    sold(tmp_path, 2, shop(tmp_path))


def test_torn_file_that_was_paid_for_can_be_held(tmp_path: Path) -> None:
    pictures, _ = sold(tmp_path, 3, Torn(ledger=str(tmp_path / "ledger")), on_missing="hold")
    assert pictures.missing == (1,)


def test_price_that_the_ledger_knows_is_enough_for_a_budget(tmp_path: Path) -> None:
    provider = shop(tmp_path, usd=None)
    ctx = stage_context(tmp_path)
    ledger, product = ctx.account.ledger, provider.product(image_request(width_px=WIDTH, height_px=HEIGHT))
    ledger.end(ledger.begin("x", product, None, budget="b", run="r", cap=None), "kept", Decimal("0.004"))
    PaintPictures(image=provider, width=WIDTH, height=HEIGHT, budget_usd=1.0).ready(ctx)


def test_fallback_without_a_price_does_not_pass_a_budget(tmp_path: Path) -> None:
    stage = PaintPictures(
        image=shop(tmp_path), fallback=shop(tmp_path, usd=None), on_missing="fallback", width=WIDTH, height=HEIGHT,
        budget_usd=1.0,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="is not known, so no budget can be held"):
        stage.ready(stage_context(tmp_path))
