"""Pictures painted without a run, and a shop that sells them: for the tests of the stage `paint_pictures`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from qmv.api import Context, ImageProvider, ImageRequest, Ledger, plugin, setting
from qmv.artifacts import Pictures, Storyboard
from qmv.engine.ledger import Sums
from qmv.errors import AccessError, ServiceError
from qmv.media.picture import png
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, Tally, board

CENT = Decimal("0.01")


def tally(tmp_path: Path, **settings: object) -> Tally:
    return Tally(ledger=str(tmp_path / "ledger"), **settings)


def painted(tmp_path: Path, provider: ImageProvider, plan: Storyboard, **settings: int) -> Pictures:
    stage = PaintPictures(image=provider, **({"width": WIDTH, "height": HEIGHT} | settings))
    return stage.run(stage_context(tmp_path), style=style(), storyboard=plan)


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
