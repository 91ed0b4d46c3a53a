"""Providers that break their contract and files that are gone: named, and no sibling is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from qmv.api import ImageProvider, ImageRequest, Outcome, Purchases, plugin
from qmv.errors import InputError, PluginError, QmvError
from qmv.media.picture import png
from qmv.testing import image_request
from qmv.testing.things import trial_purchases
from tests.stages.helpers import HEIGHT, WIDTH, Tally, board, calls
from tests.stages.painting import painted, tally


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
    threads = 3

    def render(self, request: ImageRequest) -> bytes:
        _all_begun.wait(20)
        if request.index == 0:
            raise ConnectionError("connection reset by peer")
        threading.Event().wait(0.2)  # the others are under way, and paid, when the first one fails
        return super().render(request)


_all_begun = threading.Barrier(3)


def test_paint_keeps_the_siblings_of_a_picture_that_fails_unexpectedly(tmp_path: Path) -> None:
    _all_begun.reset()
    provider = Offline(ledger=str(tmp_path / "ledger"))
    with pytest.raises((QmvError, OSError)):
        painted(tmp_path, provider, board([12, 12, 12]))
    assert calls(tmp_path / "ledger") == [1, 2]
    assert len(list((tmp_path / "cache" / "pictures").rglob("*.png"))) == 2


@plugin
class Slow(Tally):
    """Makes no picture but the first before it is left."""

    name = "slow"

    def render(self, request: ImageRequest) -> bytes:
        assert not request.index or _left.wait(20)
        return super().render(request)


_left = threading.Event()


def test_render_all_makes_no_more_pictures_when_it_is_left(tmp_path: Path) -> None:
    """Ctrl-C after the first of 12 pictures must not pay for the other 11 and throw them away."""
    _left.clear()
    others = {*threading.enumerate()}
    provider, requests = Slow(ledger=str(tmp_path / "ledger")), [image_request(index=index) for index in range(12)]
    outcomes = provider.render_all(requests, trial_purchases(tmp_path, provider, requests))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    ours = {*threading.enumerate()} - others
    _left.set()
    for thread in ours:
        thread.join(20)
    assert ours
    assert set(calls(tmp_path / "ledger")) <= {0, 1}


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
