"""Many sessions while workers, renders and Redis are killed by -9: every video is made once, and none is lost.

Which process dies when is drawn by a seed; what the test counts on holds for every draw. Each video's render holds a
lock of the operating system while it lives, so that a second one at the same time would be seen, however short.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from qmv.service.queue.board import Board
from qmv.service.queue.jobs import CLOSED
from tests.fakes.openai_images.process import FakeOpenAI, fake_openai_images
from tests.fakes.redis_server import RedisServer, redis_server
from tests.service.work.rendering import Place, Workers, children_of, closed, eventually

pytestmark = pytest.mark.slow

KEY = "test-openai-key"
LEASE_S = 4.0
FILMS = 10  # different ones; sessions that want the same one share what is in the cache
SEED = 12  # of what is killed when
IN_WORK = 0.8  # the share of kills that wait until a render has begun; the others may hit its start


@dataclass
class Chaos:
    """Kills workers and renders at work, and puts another worker in the place of each."""

    workers: Workers
    draw: random.Random
    killed: list[tuple[str, float, str]] = field(default_factory=list)  # what, when, the video that was in work

    def strike(self) -> None:
        """Kills a worker, what keeps its render, or the render itself, if one is at work."""
        worker = self.draw.choice(self.workers.running)
        renders = children_of(worker.pid, "qmv.service.work.render")
        if not renders:
            return
        began = [line for line in self.workers.place.seen("begins") if line["pid"] == renders[0].pid]
        if not began and self.draw.random() < IN_WORK:
            return
        kind = ("worker", "render", "child")[len(self.killed) % 3]
        if kind == "worker":
            self.workers.kill(worker)
            self.workers.start()
        else:
            target = renders if kind == "render" else children_of(worker.pid, "qmv.service.work.child")
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                target[0].kill()
        self.killed.append((kind, time.time(), began[0]["video"] if began else ""))

    def until_closed(self, board: Board, sessions: list[str], seconds: float, most: int) -> None:
        end, done = time.monotonic() + seconds, set[str]()
        while len(done) < len(sessions):
            assert time.monotonic() < end, f"{sorted({*sessions} - done)} not done after {seconds} s"
            for session in {*sessions} - done:
                found = board.session(session)
                assert found is not None
                if found.status in CLOSED:
                    done.add(session)
            time.sleep(self.draw.uniform(0.3, 1.5))
            if len(self.killed) < most:
                self.strike()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with fake_openai_images(tmp_path / "shop", key=KEY, idempotency="honoured", service_s=0.4) as fake:
        yield fake


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def placed(tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]) -> Callable[..., Place]:
    def made(**settings: Any) -> Place:
        song = click_track(tmp_path / "song.wav", seconds=2.0)
        given = {"lease_s": LEASE_S, "attempts": 50} | settings
        return Place.made(tmp_path / "here", song, environment | {"OPENAI_API_KEY": KEY}, **given)

    return made


def submitted(place: Place, board: Board, count: int, shop: FakeOpenAI | None = None) -> list[str]:
    """Sessions of one video each; every fifth buys its pictures."""
    bought: dict[str, Any] = {}
    if shop is not None:
        bought = {"image": "openai_compatible", "image.url": shop.url, "image.idempotent": True, "image.concurrency": 1}
    names = [f"s{number}" for number in range(count)]
    for number, name in enumerate(names):
        more = bought if number % 5 == 0 else {}
        order = place.order(seed=_film(number), **more)
        board.submit(name, [order], digest=name, priority=number % 3)
    return names


def _film(number: int) -> int:
    """Which film a session wants; of those with bought pictures there are more."""
    return number % (FILMS if number % 5 else 4 * FILMS)


def check(place: Place, board: Board, names: list[str]) -> None:
    """Each video is there, right, and was made by one render at a time."""
    assert place.seen("SECOND") == []
    by_film: dict[tuple[bool, int], set[str]] = {}
    for number, name in enumerate(names):
        session = closed(board, name)
        (video,) = session.videos
        assert (name, session.status, session.error) == (name, "finished", "")
        assert video.result is not None
        data = place.film(name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == video.result["sha256"]
        about = video.result["metadata"]
        assert about["video"]["frames"] == 48  # two seconds at 24 a second
        assert about["sync"]["faults"] == []
        by_film.setdefault((number % 5 == 0, _film(number)), set()).add(video.result["sha256"])
        assert place.seen("begins", f"{name}-1")
    assert {len(hashes) for hashes in by_film.values()} == {1}  # the same bytes, whoever was killed
    assert len(list((place.folder / "outputs" / "videos").glob("*/*.mp4"))) == len(names)
    counts = board.counts()
    assert counts.totals is not None
    assert (counts.queued, counts.running) == (0, 0)
    assert counts.totals["finished"] == counts.totals["submitted"] == len(names)
    assert not counts.totals.get("failed")


def check_books(place: Place, shop: FakeOpenAI) -> None:
    """Every picture was paid for once, and is there."""
    charges = shop.charges()
    kept = [*(place.folder / "outputs" / "cache" / "originals").glob("??/*/sums.json")]
    assert [charge for charge in charges if charge.number] == []
    assert len(charges) == len(kept) > 0


def leftovers(place: Place) -> list[str]:
    """Processes of renders that nobody keeps any more."""
    mine = str(place.folder)
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = " ".join(process.info["cmdline"] or ())
        if "qmv.service" in words and mine in str(process.info["environ"]):
            found.append(words)
    return found


@pytest.mark.parametrize("kind", ["embedded", "celery"])
def test_fifty_sessions_survive_kills(
    kind: str, placed: Callable[..., Place], shop: FakeOpenAI, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path / "redis")).url if kind == "celery" else ""
        place = placed(redis_url=url)
        board = place.board()
        names = submitted(place, board, 50, shop)
        with Workers(place, kind) as workers:
            workers.start()
            workers.start()
            chaos = Chaos(workers, random.Random(SEED))
            chaos.until_closed(board, names, 420, 12)
        kinds = [what for what, _, _ in chaos.killed]
        assert len(kinds) >= 8
        assert {*kinds} == {"worker", "render", "child"}
        check(place, board, names)
        check_books(place, shop)
        eventually(lambda: not leftovers(place))
        _recovered(place, chaos)
        board.close()


def test_eight_sessions_survive_a_killed_redis(placed: Callable[..., Place], redis: RedisServer) -> None:
    place = placed(redis_url=redis.url)
    board = place.board()
    names = submitted(place, board, 8)
    with Workers(place, "celery") as workers:
        workers.start()
        workers.start()
        eventually(lambda: len(place.seen("begins")) >= 2)
        for away_s in (0.5, LEASE_S + 2):  # shorter than a lease, and longer
            redis.kill()
            time.sleep(away_s)
            redis.start()
            time.sleep(2)
        for name in names:
            closed(board, name)
    check(place, board, names)
    board.close()


@pytest.mark.parametrize("kind", ["embedded", "celery"])
def test_job_of_a_killed_worker_goes_on_within_30_s(kind: str, placed: Callable[..., Place], tmp_path: Path) -> None:
    """With the lease that users have; from the kill to the next render's first event."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path / "redis")).url if kind == "celery" else ""
        place = placed(redis_url=url, lease_s=15.0)
        board = place.board()
        place.dawdle("video")
        with Workers(place, kind) as workers:
            first = workers.start()
            board.submit("s", [place.order()], digest="d")
            eventually(lambda: place.seen("dawdles"))
            workers.start()
            eventually(lambda: board.counts().workers == 2)
            workers.kill(first)
            killed_at = time.time()
            place.hurry()
            again = eventually(lambda: place.seen("begins", "s-1")[1:])
            assert closed(board, "s").status == "finished"
        assert again[0]["at"] - killed_at < 30
        print(f"{kind}: goes on after {again[0]['at'] - killed_at:.1f} s")
        assert place.seen("SECOND") == []
        board.close()


def _recovered(place: Place, chaos: Chaos) -> None:
    """Says how long each killed worker's video waited for its next render; other videos may have come first."""
    for kind, at, video in chaos.killed:
        later = [line["at"] - at for line in place.seen("begins", video) if line["at"] > at] if video else []
        print(f"{kind} killed, {video or 'before its render began'}: {min(later, default=float('nan')):.1f} s")
