"""What the tests of workers share: tiny videos, workers as processes, and evidence of what ran when."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from qmv.service.queue.board import Board
from qmv.service.queue.jobs import CLOSED, Order, Session, Video
from qmv.service.settings import ServiceSettings, open_board
from qmv.service.work.clock import now_s
from tests.conftest import CLICKS_PLUGIN, ROOT

__all__ = ["PATIENCE_S", "Place", "Workers", "alive", "children_of", "closed", "eventually", "gone", "late_s", "video"]

PATIENCE_S = 120.0  # for a busy machine, which may also stand still for seconds

# Says when each render begins, and proves by a lock, which the system takes away with the process, that it is the only
# one of its video. It can be told to dawdle, so that a test can kill it in its work.
WITNESS = """
import fcntl
import json
import os
import sys
import time
from pathlib import Path

from qmv.events import RunStarted, StageStarted
from qmv.hookspecs import hookimpl

PLACE = Path(__file__).parent / "witness"
SAID = dict(word.partition("=")[::2] for word in sys.argv[1:])
NAME = f"{SAID.get('session')}-{SAID.get('n')}"
held = []


def note(**about):
    line = json.dumps({"video": NAME, "pid": os.getpid(), "at": time.time(), **about}) + "\\n"
    with (PLACE / "log.jsonl").open("a") as stream:
        stream.write(line)


@hookimpl
def qmv_event(event):
    if isinstance(event, RunStarted):
        held.append((PLACE / f"{NAME}.lock").open("w"))
        try:
            fcntl.flock(held[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
            note(what="begins")
        except OSError:
            note(what="SECOND")
    dawdle = PLACE / "dawdle"
    if isinstance(event, StageStarted) and dawdle.exists():
        node, seconds = dawdle.read_text().split()
        if event.node == node:
            note(what="dawdles")
            end = time.monotonic() + float(seconds)
            while dawdle.exists() and time.monotonic() < end:
                time.sleep(0.05)
"""

TINY = (
    "width=64", "height=36", "quality=draft", "quality.scale=1", "run.workers=1", "tracker=clicks", "min_images=2",
)  # fmt: skip


def eventually(true: Callable[[], Any], seconds: float = PATIENCE_S, every_s: float = 0.05) -> Any:
    """What `true` gives once that is something; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every_s)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pids: Sequence[int], seconds: float = PATIENCE_S) -> bool:
    """Whether all of them have ended within a time."""
    end = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def late_s(pid: int, until_s: float) -> float:
    """How long after a moment (`clock.now_s`) a process ended; while this machine stands still, no time passes."""
    found, at = min(now_s() - until_s, 0.0), now_s()
    end = at + PATIENCE_S
    while alive(pid):
        assert at < end, f"{pid} does not end"
        time.sleep(0.01)
        found, at = found + min(now_s() - at, 0.5), now_s()
    return found


def children_of(pid: int, part: str = "") -> list[psutil.Process]:
    """The processes below one, of those whose command line has a word."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if part in " ".join(child.cmdline()):
                    found.append(child)
    return found


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder with a song, plugins and settings, and the board of its service."""

    folder: Path
    environ: dict[str, str]
    settings: ServiceSettings
    song: Path

    @classmethod
    def made(
        cls, folder: Path, song: Path, environ: dict[str, str], *more: str, redis_url: str = "", **settings: Any
    ) -> Place:
        (folder / "witness").mkdir(parents=True)
        (folder / "clicks_plugin.py").write_text(CLICKS_PLUGIN, encoding="utf-8")
        (folder / "witness_plugin.py").write_text(WITNESS, encoding="utf-8")
        plugins = ",".join(str(folder / name) for name in ("clicks_plugin.py", "witness_plugin.py"))
        given = tuple(word for word in more if not word.startswith("plugins="))
        mine = "".join(f",{word.removeprefix('plugins=')}" for word in more if word.startswith("plugins="))
        words = (*TINY, f"plugins=[{plugins}{mine}]", *given)
        made = ServiceSettings(
            outputs=str(folder / "outputs"), program=str(ROOT / "run.py"), overrides=words, **settings
        )
        redis = {"REDIS_URL": redis_url} if redis_url else {}
        keep = {name: value for name, value in environ.items() if name not in ("REDIS_URL", "LOG_LEVEL")}
        return cls(folder=folder, settings=made, song=song, environ=keep | made.environ() | redis)

    def board(self) -> Board:
        before = os.environ.get("REDIS_URL")
        os.environ["REDIS_URL"] = self.environ.get("REDIS_URL", "")
        try:
            return open_board(self.settings, wait_s=PATIENCE_S)
        finally:
            os.environ.pop("REDIS_URL")
            if before is not None:
                os.environ["REDIS_URL"] = before

    def order(self, song: Path | None = None, **settings: Any) -> Order:
        return Order(song=str(song or self.song), title="A Song", style="neon", settings=settings)

    def dawdle(self, node: str, seconds: float = 600) -> None:
        """Renders stop at the start of a stage, until `hurry` or for so long."""
        (self.folder / "witness" / "dawdle").write_text(f"{node} {seconds}")

    def hurry(self) -> None:
        (self.folder / "witness" / "dawdle").unlink(missing_ok=True)

    def seen(self, what: str, video: str = "") -> list[dict[str, Any]]:
        """The witness's lines of a kind."""
        file = self.folder / "witness" / "log.jsonl"
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if line["what"] == what and video in ("", line["video"])]

    def film(self, session: str, n: int = 1) -> Path:
        return self.folder / "outputs" / "videos" / session / f"video_{n}.mp4"


def video(board: Board, session: str, n: int = 1) -> Video:
    found = board.session(session)
    assert found is not None
    return found.videos[n - 1]


def closed(board: Board, session: str, seconds: float = PATIENCE_S) -> Session:
    """The session once nothing more happens to it."""

    def look() -> Session | None:
        found = board.session(session)
        return found if found is not None and found.status in CLOSED else None

    found: Session = eventually(look, seconds, 0.1)
    return found


@dataclass
class Workers:
    """Real workers as processes: `embedded`, or Celery's."""

    place: Place
    kind: str = "embedded"
    pool: str = "threads"
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        module = ["qmv.service.work.embedded"]
        if self.kind == "celery":
            name = f"w{len(list(self.place.folder.glob('worker-*.txt')))}@here"
            module = [
                "celery",
                "-A",
                "qmv.service.worker",
                "worker",
                "-P",
                self.pool,
                "-c",
                "1",
                "-n",
                name,
                "-l",
                "INFO",
            ]
        said = self.place.folder / f"worker-{time.monotonic_ns()}.txt"
        with said.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT, env=self.place.environ, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As the system does it when memory is short: only this one."""
        process.kill()
        process.wait()
        self.running.remove(process)

    @property
    def said(self) -> str:
        files = sorted(self.place.folder.glob("worker-*.txt"))
        return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
