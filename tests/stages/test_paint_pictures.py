"""Pictures: each made once, whoever asks and whatever fails beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qmv.api import ImageProvider, ImageRequest, Outcome, plugin
from qmv.artifacts import Artifact, Pictures, Storyboard
from qmv.errors import InputError, PluginError, QmvError
from qmv.events import Event, Progress
from qmv.media.picture import png, read
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import StageContract, image_request, stage_context, style
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

    def render_all(self, requests: Iterable[ImageRequest]) -> Iterator[Outcome]:
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
        ("garbage", InputError, r"image \(rogue\): picture 0: cannot be read as a picture"),
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
    outcomes = Slow(ledger=str(tmp_path / "ledger")).render_all([image_request(index=index) for index in range(12)])
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
