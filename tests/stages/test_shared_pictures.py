"""Pictures that cost money, on machines with a shared cache: bought once, and nothing forged is used."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from qmv.api import Cache, Context, ImageProvider, ImageRequest, Ledger, plugin, setting
from qmv.artifacts import Pictures
from qmv.engine.ledger import Sums
from qmv.engine.parcels import pack
from qmv.engine.sharing import shared_cache, sharing
from qmv.media.picture import png
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls

CENT = Decimal("0.01")


@plugin
class Shop(ImageProvider):
    """Sells pictures of 64x64 for a cent each, whatever the format."""

    name = "shop_of_machines"
    paid = True
    threads = 1
    ledger: str = setting("the file that notes the calls", default="", keyed=False)

    def request_identity(self, request: ImageRequest) -> dict[str, object]:
        return {"prompt": request.prompt, "seed": request.seed}

    def price(self, request: ImageRequest) -> Decimal | None:
        return CENT

    def render(self, request: ImageRequest) -> bytes:
        with Path(self.ledger).open("a", encoding="utf-8") as file:
            file.write(f"{request.index}\n")
        return png(np.full((64, 64, 3), request.seed % 256, np.uint8))


def sold_beside(tmp_path: Path, machine: str, width: int = WIDTH, height: int = HEIGHT) -> tuple[Pictures, Context]:
    """What the stage makes on a machine of its own, with a shared cache in `tmp_path`."""
    cache = Cache(tmp_path / machine / "cache", shared_cache(str(tmp_path / "shared"), sends=True))
    ctx = stage_context(tmp_path / machine)
    ctx.cache = cache
    stage = PaintPictures(image=Shop(ledger=str(tmp_path / "ledger")), width=width, height=height)
    with sharing(cache, ctx.notice):
        return stage.run(ctx, style=style(), storyboard=board([12] * 3)), ctx


def test_machines_with_a_shared_cache_buy_a_picture_once(tmp_path: Path) -> None:
    """For all formats; the files are where each machine has them, with the same bytes."""
    first, _ = sold_beside(tmp_path, "first")
    second, ctx = sold_beside(tmp_path, "second")
    sold_beside(tmp_path, "third", width=HEIGHT, height=WIDTH)
    assert calls(tmp_path / "ledger") == [0, 1, 2]
    assert [picture.file.sha256 for picture in second.pictures] == [picture.file.sha256 for picture in first.pictures]
    assert [picture.cost for picture in second.pictures] == [CENT] * 3
    assert Ledger(tmp_path / "second" / "ledger.sqlite").sums() == Sums()
    assert (ctx.counts["made"], ctx.counts["reused"], Decimal(ctx.counts["saved_usd"])) == (0, 3, 3 * CENT)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("original", b"no picture"), ("about.json", b"[]"), ("about.json", b'{"cost_usd": "NaN"}'),
        ("about.json", b'{"cost_usd": "-1"}'), ("about.json", b'{"cost_usd": {}}'), ("about.json", b"{"),
    ],
)  # fmt: skip
def test_shared_original_that_is_none_is_bought_anew(tmp_path: Path, name: str, data: bytes) -> None:
    """It is whole in itself: its hashes are right."""
    sold_beside(tmp_path, "first")
    [entry, *_] = sorted((tmp_path / "first" / "cache" / "originals").glob("??/*/"))
    key = entry.name
    files = {file.name: file.read_bytes() for file in entry.iterdir() if file.name != "sums.json"} | {name: data}

    def forge(folder: Path) -> None:
        for each, content in files.items():
            (folder / each).write_bytes(content)

    forged = Cache(tmp_path / "forger").put("originals", key, forge)
    [place] = (tmp_path / "shared").rglob(f"{key}.qmv1")
    pack(forged, place, area="originals", key=key, secret=b"")
    _, ctx = sold_beside(tmp_path, "second")
    assert (ctx.counts["made"], ctx.counts["reused"]) == (1, 2)
    assert len(calls(tmp_path / "ledger")) == 4
    _, ctx = sold_beside(tmp_path, "third")
    assert (ctx.counts["made"], ctx.counts["reused"]) == (0, 3)
