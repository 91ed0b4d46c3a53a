"""Pictures that cost money, on machines with a shared cache: bought once, and nothing forged is used."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qmv.api import Cache, Context, Ledger
from qmv.artifacts import Pictures
from qmv.engine.ledger import Sums
from qmv.engine.parcels import pack
from qmv.engine.sharing import shared_cache, sharing
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls
from tests.stages.painting import CENT, shop


def sold_beside(tmp_path: Path, machine: str, width: int = WIDTH, height: int = HEIGHT) -> tuple[Pictures, Context]:
    """What the stage makes on a machine of its own, with a shared cache in `tmp_path`."""
    cache = Cache(tmp_path / machine / "cache", shared_cache(str(tmp_path / "shared"), sends=True))
    ctx = stage_context(tmp_path / machine)
    ctx.cache = cache
    stage = PaintPictures(image=shop(tmp_path), width=width, height=height)
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
