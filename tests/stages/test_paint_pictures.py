"""Pictures: each made once, whoever asks and whatever fails beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from qmv.api import Cache, Context, ImageProvider, ImageRequest, Ledger, Outcome, Purchases, Stage, plugin, setting
from qmv.artifacts import Artifact, Pictures, Song, Storyboard
from qmv.engine.config.job import Job
from qmv.engine.config.schema import RunSettings, SongSettings
from qmv.engine.ledger import Sums
from qmv.engine.manifest import Manifest
from qmv.engine.registry import Registry
from qmv.engine.runner import Run
from qmv.errors import AccessError, BudgetError, ConfigError, InputError, PluginError, QmvError, ServiceError
from qmv.events import Event, Notice, PictureReady, Progress
from qmv.media.picture import png, read
from qmv.stages.paint_pictures import PaintPictures
from qmv.stages.picture_store import PictureStore
from qmv.testing import StageContract, image_request, stage_context, style
from qmv.testing.things import trial_purchases
from tests.stages.helpers import HEIGHT, WIDTH, Tally, board, calls


def tally(tmp_path: Path, **settings: object) -> Tally:
    return Tally(ledger=str(tmp_path / "ledger"), **settings)


def painted(tmp_path: Path, provider: ImageProvider, plan: Storyboard, **settings: int) -> Pictures:
    stage = PaintPictures(image=provider, **({"width": WIDTH, "height": HEIGHT} | settings))
    return stage.run(stage_context(tmp_path), style=style(), storyboard=plan)


class TestPaintPictures(StageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> PaintPictures:
        return PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)

    @pytest.fixture
    def given(self) -> dict[str, Artifact]:
        return {"style": style(), "storyboard": board([12, 12, 12])}


def test_paint_makes_one_picture_for_each_shot_in_order(tmp_path: Path) -> None:
    made = painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    greys = [int(read(picture.file.path)[0, 0, 0]) for picture in made.pictures]
    assert greys == [11, 12, 13]  # the seeds of these shots


def test_paint_tells_where_each_picture_came_from(tmp_path: Path) -> None:
    [picture] = painted(tmp_path, tally(tmp_path), board([12])).pictures
    assert (picture.provider, picture.seed, picture.prompt) == ("tally", 11, "picture 0")


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (16, 16), (128, 54)], ids=str)
def test_paint_crops_to_the_format(tmp_path: Path, size: tuple[int, int]) -> None:
    [picture] = painted(tmp_path, tally(tmp_path), board([12]), width=size[0], height=size[1]).pictures
    assert read(picture.file.path).shape == (size[1], size[0], 3)


def test_paint_reuses_cached_pictures(tmp_path: Path) -> None:
    for _ in range(2):
        painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [0, 1, 2]


def test_paint_asks_only_for_what_is_new(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [0, 1, 2]


def test_paint_makes_a_picture_that_two_shots_want_once(tmp_path: Path) -> None:
    plan = board([12, 12, 12])
    twins = tuple(replace(shot, prompt="the same", seed=5) for shot in plan.shots)
    made = painted(tmp_path, tally(tmp_path), replace(plan, shots=twins))
    assert len(calls(tmp_path / "ledger")) == 1
    assert len({picture.file.path for picture in made.pictures}) == 1


def test_paint_counts_what_was_reused(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    seen: list[Event] = []
    stage = PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)
    ctx = stage_context(tmp_path, publish=seen.append)
    stage.run(ctx, style=style(), storyboard=board([12, 12, 12]))
    assert (ctx.counts["total"], ctx.counts["made"], ctx.counts["reused"]) == (3, 1, 2)
    assert [event.done for event in seen if isinstance(event, Progress)] == [2, 3]


def test_paint_forecasts_what_is_missing(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    stage = PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)
    outlook = stage.forecast(stage_context(tmp_path), style=style(), storyboard=board([12, 12, 12]))
    assert outlook == "1 pictures to make, 2 cached"


def test_paint_keeps_the_siblings_of_a_picture_that_fails(tmp_path: Path) -> None:
    with pytest.raises(QmvError, match="picture 1 fails on purpose"):
        painted(tmp_path, tally(tmp_path, failing=(1,)), board([12, 12, 12]))
    painted(tmp_path, tally(tmp_path), board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [0, 1, 1, 2]


@pytest.mark.parametrize("name", ["width", "height"])
def test_paint_refuses_an_odd_size(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be even \(H.264 stores colour for 2 x 2 pixels\), got 37"):
        PaintPictures(image=tally(tmp_path), **{name: 37})


# -- pictures that can be seen before the video ----------------------------------------------------------------------


def shown(tmp_path: Path, plan: Storyboard, **settings: object) -> list[tuple[int, Path]]:
    """The shots whose picture was told of, with its file, in the order in which that was done."""
    seen: list[Event] = []
    stage = PaintPictures(**({"width": WIDTH, "height": HEIGHT} | settings))
    made = stage.run(stage_context(tmp_path, publish=seen.append), style=style(), storyboard=plan)
    found = {event.index: Path(event.file) for event in seen if isinstance(event, PictureReady)}
    kept = [index for index in range(len(plan.shots)) if index not in made.missing]
    assert [found[index] for index in kept] == [picture.file.path.absolute() for picture in made.pictures]
    return [(event.index, Path(event.file)) for event in seen if isinstance(event, PictureReady)]


def test_paint_tells_of_each_picture_once_where_it_lies(tmp_path: Path) -> None:
    told = shown(tmp_path, board([12, 12, 12]), image=tally(tmp_path))
    assert sorted(index for index, _ in told) == [0, 1, 2]
    assert [read(file).shape for _, file in told] == [(HEIGHT, WIDTH, 3)] * 3


def test_paint_tells_of_a_picture_before_the_next_one_is_made(tmp_path: Path) -> None:
    seen: list[Event] = []
    stage = PaintPictures(image=tally(tmp_path), width=WIDTH, height=HEIGHT)
    stage.run(stage_context(tmp_path, publish=seen.append), style=style(), storyboard=board([12, 12]))
    kinds = [type(event).__name__ for event in seen]
    assert kinds == ["Progress", "Progress", "PictureReady", "Progress", "PictureReady"]


def test_paint_tells_of_each_shot_that_uses_a_picture(tmp_path: Path) -> None:
    plan = board([12, 12, 12])
    twins = tuple(replace(shot, prompt="the same", seed=5) for shot in plan.shots)
    told = shown(tmp_path, replace(plan, shots=twins), image=tally(tmp_path))
    assert ([index for index, _ in told], len({file for _, file in told})) == ([0, 1, 2], 1)


def test_paint_tells_first_of_what_is_there_already(tmp_path: Path) -> None:
    painted(tmp_path, tally(tmp_path), board([12, 12]))
    (tmp_path / "ledger").unlink()
    assert [index for index, _ in shown(tmp_path, board([12, 12, 12]), image=tally(tmp_path))] == [0, 1, 2]
    assert calls(tmp_path / "ledger") == [2]


def test_paint_tells_of_pictures_that_were_bought_for_another_format(tmp_path: Path) -> None:
    shown(tmp_path, board([12, 12]), image=shop(tmp_path))
    told = shown(tmp_path, board([12, 12, 12]), image=shop(tmp_path), width=HEIGHT, height=WIDTH)
    assert sorted(index for index, _ in told) == [0, 1, 2]
    assert [read(file).shape for _, file in told] == [(WIDTH, HEIGHT, 3)] * 3


def test_paint_tells_of_stand_ins_and_not_of_what_is_missing(tmp_path: Path) -> None:
    plan, image = board([12, 12, 12]), shop(tmp_path, ways={"1": "refused"})
    assert sorted(index for index, _ in shown(tmp_path / "a", plan, image=image, on_missing="hold")) == [0, 2]
    told = shown(tmp_path / "b", plan, image=image, on_missing="fallback", fallback=tally(tmp_path))
    assert sorted(index for index, _ in told) == [0, 1, 2]


# -- two runs at the same time ---------------------------------------------------------------------------------------


@plugin
class Patient(ImageProvider):
    """Gives no picture before the other run has looked for it, too."""

    name = "patient"

    def render(self, request: ImageRequest) -> bytes:
        _made.append(request.index)
        assert _both_looked.wait(20), "the other run never came"
        return png(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))


_made: list[int] = []
_both_looked = threading.Event()


def test_paint_in_two_threads_makes_each_picture_once(tmp_path: Path) -> None:
    _made.clear()
    _both_looked.clear()
    barrier = threading.Barrier(2, action=_both_looked.set)

    def paint() -> Pictures:
        first = iter([True])

        def publish(event: Event) -> None:
            if next(first, False):  # the first progress tells what is cached: by then nothing is
                barrier.wait(20)

        stage = PaintPictures(image=Patient(), width=WIDTH, height=HEIGHT)
        return stage.run(stage_context(tmp_path, publish=publish), style=style(), storyboard=board([12, 12, 12]))

    with ThreadPoolExecutor(2) as pool:
        one, two = (future.result(60) for future in [pool.submit(paint) for _ in range(2)])
    assert sorted(_made) == [0, 1, 2]
    assert one == two


_PAINT = """
import sys
from pathlib import Path
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, Tally, board
folder = Path(sys.argv[1])
stage = PaintPictures(image=Tally(ledger=str(folder / "ledger")), width=WIDTH, height=HEIGHT)
stage.run(stage_context(folder), style=style(), storyboard=board([12] * 12))
"""


def test_paint_in_two_processes_makes_each_picture_once(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _PAINT, str(tmp_path)]
    running = [subprocess.Popen(command, env=env, cwd=root) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert calls(tmp_path / "ledger") == list(range(12))


# -- providers that break their contract -----------------------------------------------------------------------------


@plugin
class Rogue(ImageProvider):
    """Gives the outcomes that a test wants."""

    name = "rogue"
    way: str = ""

    def render(self, request: ImageRequest) -> bytes:
        return png(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))

    def render_all(self, requests: Iterable[ImageRequest], purchases: Purchases) -> Iterator[Outcome]:
        for request in requests:
            image = b"no picture" if self.way == "garbage" and request.index == 0 else self.render(request)
            if self.way == "nothing" and request.index == 0:
                image = None
            if self.way != "silent" or request.index:
                yield Outcome(request=request, image=image)
            if self.way == "twice":
                yield Outcome(request=request, image=image)
            if self.way == "stranger":
                yield Outcome(request=image_request(index=99), image=image)


@pytest.mark.parametrize(
    ("way", "error", "words"),
    [
        ("silent", PluginError, r"image \(rogue\): gave no outcome for 1 pictures"),
        ("nothing", PluginError, r"image \(rogue\): gave neither a picture nor an error"),
        ("garbage", InputError, r"image \(rogue\): picture 1: cannot be read as a picture"),
    ],
)
def test_paint_names_a_provider_that_gives_no_picture(
    tmp_path: Path, way: str, error: type[QmvError], words: str
) -> None:
    with pytest.raises(error, match=words):
        painted(tmp_path, Rogue(way=way), board([12, 12]))


@pytest.mark.parametrize("way", ["twice", "stranger"])
def test_paint_names_a_provider_that_gives_too_many_outcomes(tmp_path: Path, way: str) -> None:
    with pytest.raises(PluginError, match=r"image \(rogue\)"):
        painted(tmp_path, Rogue(way=way), board([12, 12]))


@plugin
class Offline(Tally):
    """Loses its connection at the first picture, as a client library tells it."""

    name = "offline"
    threads = 4

    def render(self, request: ImageRequest) -> bytes:
        if request.index == 0:
            raise ConnectionError("connection reset by peer")
        threading.Event().wait(0.2)  # the others are under way, and paid, when the first one fails
        return super().render(request)


def test_paint_keeps_the_siblings_of_a_picture_that_fails_unexpectedly(tmp_path: Path) -> None:
    provider = Offline(ledger=str(tmp_path / "ledger"))
    with pytest.raises((QmvError, OSError)):
        painted(tmp_path, provider, board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [1, 2]
    assert len(list((tmp_path / "cache" / "pictures").rglob("*.png"))) == 2


@plugin
class Slow(Tally):
    """Takes its time for every picture but the first."""

    name = "slow"

    def render(self, request: ImageRequest) -> bytes:
        threading.Event().wait(0.3 if request.index else 0)
        return super().render(request)


def test_render_all_makes_no_more_pictures_when_it_is_left(tmp_path: Path) -> None:
    """Ctrl-C after the first of 12 pictures must not pay for the other 11 and throw them away."""
    provider, requests = Slow(ledger=str(tmp_path / "ledger")), [image_request(index=index) for index in range(12)]
    outcomes = provider.render_all(requests, trial_purchases(tmp_path, provider, requests))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert len(calls(tmp_path / "ledger")) < 12


def test_paint_makes_a_picture_anew_that_is_gone(tmp_path: Path) -> None:
    [picture] = painted(tmp_path, tally(tmp_path), board([12])).pictures
    picture.file.path.unlink()
    [again] = painted(tmp_path, tally(tmp_path), board([12])).pictures
    assert again.file == picture.file


def test_paint_makes_a_picture_anew_that_is_torn(tmp_path: Path) -> None:
    [picture] = painted(tmp_path, tally(tmp_path), board([12])).pictures
    picture.file.path.write_bytes(b"torn")
    [again] = painted(tmp_path, tally(tmp_path), board([12])).pictures
    assert again.file == picture.file


# -- pictures that cost money ----------------------------------------------------------------------------------------

CENT = Decimal("0.01")


@plugin
class Shop(ImageProvider):
    """Sells pictures of 64x64 for a cent each, whatever the format; `ways` says which of them fail, and how."""

    name = "shop"
    paid = True
    threads = 1
    ledger: str = setting("the file that notes the calls", default="", keyed=False)
    ways: dict[str, str] = setting("what becomes of pictures, by their number", default={}, keyed=False)
    usd: float | None = setting("the price", default=0.01, keyed=False)

    def request_identity(self, request: ImageRequest) -> dict[str, object]:
        return {"prompt": request.prompt, "seed": request.seed, "size": 64}

    def product(self, request: ImageRequest) -> str:
        return "shop 64x64"

    def price(self, request: ImageRequest) -> Decimal | None:
        return None if self.usd is None else Decimal(str(self.usd))

    def render(self, request: ImageRequest) -> bytes:
        with Path(self.ledger).open("a", encoding="utf-8") as file:
            file.write(f"{request.index}\n")
        way = self.ways.get(str(request.index), "")
        if way:
            raise {"access": AccessError, "refused": ServiceError}[way](f"shop: {way}.")
        return png(np.full((64, 64, 3), request.seed % 256, np.uint8))


def sold(
    tmp_path: Path, count: int, provider: Shop | None = None, run: str = "trial", **settings: object
) -> tuple[Pictures, Context]:
    """What the stage makes of `count` shots, and its context."""
    stage = PaintPictures(**({"image": provider or shop(tmp_path), "width": WIDTH, "height": HEIGHT} | settings))
    ctx = stage_context(tmp_path)
    ctx.account = replace(ctx.account, run=run)
    return stage.run(ctx, style=style(), storyboard=board([12] * count)), ctx


def shop(tmp_path: Path, **settings: object) -> Shop:
    return Shop(ledger=str(tmp_path / "ledger"), **settings)


def sums(tmp_path: Path) -> Sums:
    return Ledger(tmp_path / "ledger.sqlite").sums()


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


# -- what a dry run says of money ------------------------------------------------------------------------------------


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


# -- what is provisional ---------------------------------------------------------------------------------------------


def test_pictures_with_a_gap_are_for_the_run_that_made_them_only(tmp_path: Path) -> None:
    """The next run tries again, and whoever reads the pictures hangs on what came."""
    song = tmp_path / "song.wav"
    soundfile.write(song, np.zeros(22050, np.float32), 22050)

    def made(**ways: str) -> Manifest:
        folder = tmp_path / "runs" / str(len(list(tmp_path.glob("runs/*"))))
        folder.mkdir(parents=True)
        image = shop(tmp_path, ways={name.lstrip("_"): way for name, way in ways.items()})
        stages = {
            "storyboard": Plan(),
            "pictures": PaintPictures(image=image, width=WIDTH, height=HEIGHT, on_missing="hold"),
        }
        job = Job(
            stages=stages, song=SongSettings(path=str(song)), style=style(), run=RunSettings(workers=1),
            outputs=str(tmp_path / "outputs"),
        )  # fmt: skip
        return Run(job=job, folder=folder, registry=Registry(), manifest=Manifest()).execute()

    first, second, third = made(_1="refused"), made(), made()
    assert [run.stages[-1].cached for run in (first, second, third)] == [False, False, True]
    assert [run.pictures["failed"] for run in (first, second, third)] == [1, 0, 0]
    assert [Decimal(run.money["spent_usd"]) for run in (first, second)] == [2 * CENT, CENT]
    assert [Decimal(run.money["saved_usd"]) for run in (first, second, third)] == [0, 2 * CENT, 3 * CENT]
    assert calls(tmp_path / "ledger") == [0, 1, 1, 2]
    files = [picture["file"] for picture in told_of(tmp_path / "runs" / "0")]
    again = [told_of(tmp_path / "runs" / number) for number in ("1", "2")]
    assert ([picture["index"] for picture in told_of(tmp_path / "runs" / "0")], len(files)) == ([0, 2], 2)
    assert [sorted(picture["index"] for picture in told) for told in again] == [[0, 1, 2]] * 2
    assert {picture["file"] for picture in again[0]} == {picture["file"] for picture in again[1]} > {*files}


def told_of(folder: Path) -> list[dict[str, Any]]:
    """The pictures in the events of a run."""
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "PictureReady"]


@plugin
class Plan(Stage):
    """Three shots."""

    name = "plan"

    def run(self, ctx: Context, song: Song) -> Storyboard:
        return board([8, 8, 8])


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
