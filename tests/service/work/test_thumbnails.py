"""Pictures on their way to boards that are quick, and to boards that are not."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Word
from qmv.service.queue.jobs import Claim, Order
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.work import lease as lease_module
from qmv.service.work.clock import now_s
from qmv.service.work.lease import Lease
from qmv.service.work.thumbnails import Thumbnails
from tests.service.work.rendering import Place, video
from tests.service.work.tries import tried

slow = pytest.mark.slow


@slow
def test_thumbnails_of_the_pictures_come(place: Place, board: Board) -> None:
    board.submit("s", [place.order()], digest="d")
    tried(place, board)
    count = video(board, "s").pictures
    pictures = [board.picture("s", 1, index) for index in range(count)]
    assert count == 3
    for data in pictures:
        assert data is not None
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (64, 36))
            assert not picture.getexif()


@slow
def test_slow_queue_hears_of_the_lease_before_it_gets_pictures(
    tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]
) -> None:
    """One and a half seconds for each answer, of a lease of six. A machine that stands still for a moment costs one
    video its lease, and not all three."""
    place = Place.made(tmp_path / "there", click_track(tmp_path / "s.wav"), environment, lease_s=6.0)

    class Slow(SqliteBoard):
        def tell(self, claim: Claim, live: Live) -> Word:
            time.sleep(1.5)
            return super().tell(claim, live)

        def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
            time.sleep(2.0)
            super().add_picture(claim, index, jpeg)

    board = Slow(place.settings.folder / "state.sqlite", place.settings.limits)
    place.dawdle("video", 5)
    found = []
    for name in ("a", "b", "c"):
        board.submit(name, [place.order(seed=len(found))], digest=name, priority=len(found))
        tried(place, board)
        found.append((video(board, name).status, video(board, name).attempt))
        if found[-1] == ("finished", 1):
            break
    assert found[-1] == ("finished", 1), found


class Asked(SqliteBoard):
    """Remembers which pictures came, in their order."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.settings.folder / "state.sqlite", place.settings.limits)
        self.came: list[int] = []

    def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
        self.came.append(index)
        super().add_picture(claim, index, jpeg)


@pytest.fixture
def sending(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Asked, Lease, Thumbnails]:
    """Three pictures of a job that is held, told of in an order that is nobody's; the lease's clock stands still."""
    at = now_s()
    monkeypatch.setattr(lease_module, "now_s", lambda: at)
    board = Asked(place)
    board.submit("s", [Order(song="s.wav", title="t", style="neon")], digest="d")
    claim = board.claim("w")
    assert claim is not None
    lease = Lease(claim, board)
    thumbnails = Thumbnails(claim, board, lease)
    picture = tmp_path / "picture.png"
    Image.new("RGB", (64, 36)).save(picture)
    for index in (2, 0, 1):
        thumbnails.add(index, picture)
    lease.renew(Live())
    return board, lease, thumbnails


def test_first_shots_go_first(sending: tuple[Asked, Lease, Thumbnails]) -> None:
    board, lease, thumbnails = sending
    while thumbnails:
        lease.renew(Live())
        assert thumbnails.send_more()
    assert board.came == [0, 1, 2]
    assert video(board, "s").pictures == 3


def test_what_a_slow_board_could_not_take_beside_the_render_comes_after_it(
    sending: tuple[Asked, Lease, Thumbnails],
) -> None:
    """Of a lease of 15 s 13 may be used; an answer that takes 4 s leaves too little of it while the render goes on."""
    board, lease, thumbnails = sending
    lease.took_s = 4.0
    thumbnails.send_some()
    assert board.came == []
    assert thumbnails.send_more()
    assert board.came[0] == 0


def test_nothing_is_sent_where_the_lease_would_end_before_it_could_be_renewed(
    sending: tuple[Asked, Lease, Thumbnails],
) -> None:
    board, lease, thumbnails = sending
    lease.took_s = 7.0
    assert not thumbnails.send_more()
    assert (board.came, len(thumbnails)) == ([], 3)


def test_picture_that_shows_nothing_does_not_make_a_slow_board_look_quick(place: Place, tmp_path: Path) -> None:
    """Half a second for each answer to a picture, and at the end less is left of the lease."""

    class Slow(Asked):
        def add_picture(self, claim: Claim, index: int, jpeg: bytes) -> None:
            time.sleep(0.5)
            super().add_picture(claim, index, jpeg)

    board, picture, broken = Slow(place), tmp_path / "picture.png", tmp_path / "broken.png"
    board.submit("s", [Order(song="s.wav", title="t", style="neon")], digest="d")
    claim = board.claim("w")
    assert claim is not None
    lease = Lease(claim, board)
    thumbnails = Thumbnails(claim, board, lease)
    Image.new("RGB", (64, 36)).save(picture)
    broken.write_bytes(b"no picture")
    for index, path in enumerate((picture, broken)):
        thumbnails.add(index, path)
        lease.until_s = now_s() + 60
        assert thumbnails.send_more()
    thumbnails.add(2, picture)
    lease.until_s = now_s() + 0.4
    assert not thumbnails.send_more()
    assert (board.came, len(thumbnails)) == ([0], 1)
