"""`qmv serve` as a process: the web and the workers under one parent."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT
from tests.fakes.redis_server import redis_server
from tests.service.work.rendering import PATIENCE_S, Place, children_of, closed, eventually, gone, video

pytestmark = pytest.mark.slow

# `python -m qmv`, with a first signal that gives its parts as long as they want
_PATIENT = """
from qmv.__main__ import main
from qmv.service import serve
serve._ENDS_WITHIN_S = 600.0
raise SystemExit(main())
"""


@pytest.fixture
def placed(tmp_path: Path, click_track: Callable[..., Path], environment: dict[str, str]) -> Callable[..., Place]:
    def made(**settings: Any) -> Place:
        song = click_track(tmp_path / "song.wav", seconds=2.0)
        return Place.made(tmp_path / "here", song, environment, **({"port": 0} | settings))

    return made


@contextlib.contextmanager
def served(place: Place, *words: str, code: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address that it says. `code` is run in the module's stead."""
    said = (place.folder / "serve.txt").open("ab")
    process = subprocess.Popen(
        [sys.executable, *(["-c", code] if code else ["-m", "qmv"]), "serve", *words],
        cwd=place.folder, env=place.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=said,
        stdin=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving on http://127.0.0.1:"), (place.folder / "serve.txt").read_text()
        yield process, line.split()[-1]
    finally:
        pids = [child.pid for child in children_of(process.pid)]
        process.kill()
        process.communicate()
        said.close()
        assert gone(pids)


def parts(process: subprocess.Popen[str], name: str) -> list[psutil.Process]:
    return children_of(process.pid, f"qmv.service.{name}")


def refusal(environ: dict[str, str], folder: Path, *words: str) -> str:
    """The one sentence by which it does not start."""
    ended = subprocess.run(
        [sys.executable, "-m", "qmv", "serve", *words],
        cwd=folder, env=environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    return line


def test_serves_renders_and_ends_when_it_is_told_to(placed: Callable[..., Place]) -> None:
    place = placed()
    board = place.board()
    with served(place, "seed=3", "--workers", "1", "fps=30") as (process, address):
        with urllib.request.urlopen(f"{address}healthz", timeout=PATIENCE_S) as answer:
            assert answer.status == 200
        board.submit("s", [place.order()], digest="s")
        result = closed(board, "s").videos[0].result
        assert result is not None
        assert result["metadata"]["video"]["fps"] == "30"  # of the command line
        place.dawdle("video")
        board.submit("t", [place.order(seed=1)], digest="t")
        eventually(lambda: place.seen("dawdles"))
        pids = [child.pid for child in children_of(process.pid)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert gone(pids)
    assert video(board, "t").status == "queued"  # given back
    board.close()


def test_what_dies_is_started_again(placed: Callable[..., Place]) -> None:
    place = placed()
    with served(place) as (process, address):
        for name in ("web", "work.embedded"):
            (before,) = eventually(lambda name=name: parts(process, name))  # type: ignore[misc]
            before.kill()
            (after,) = eventually(
                lambda name=name, before=before: [p for p in parts(process, name) if p.pid != before.pid]  # type: ignore[misc]
            )
            assert after.pid != before.pid

        def answers() -> bool:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}healthz", timeout=10) as answer:
                return bool(answer.status == 200)
            return False

        eventually(answers)
    assert "the web ended (signal 9) and is started again" in (place.folder / "serve.txt").read_text()


def test_killed_parent_leaves_nothing_and_another_takes_over(placed: Callable[..., Place]) -> None:
    place = placed(lease_s=3.0)
    board = place.board()
    place.dawdle("video")
    with served(place) as (process, address):
        board.submit("s", [place.order()], digest="s")
        eventually(lambda: place.seen("dawdles"))

        def all_four() -> list[int]:
            """The web, the worker, what keeps the render, and the render, which begins again after a lost lease."""
            pids = [child.pid for child in children_of(process.pid)]
            return pids if len(pids) == 4 else []

        pids = eventually(all_four)
        process.kill()
        assert gone(pids)
        port = address.rstrip("/").rpartition(":")[2]
    place.hurry()
    with served(place, "--port", port):
        assert closed(board, "s").status == "finished"
    assert place.seen("SECOND") == []
    board.close()


def test_second_signal_ends_at_once(placed: Callable[..., Place]) -> None:
    place = placed()
    board = place.board()
    place.dawdle("video")
    with served(place, code=_PATIENT) as (process, _):
        board.submit("s", [place.order()], digest="s")
        eventually(lambda: place.seen("dawdles"))
        pids = [child.pid for child in children_of(process.pid)]
        (worker,) = parts(process, "work.embedded")
        worker.suspend()  # one that hangs, and is waited for
        process.send_signal(signal.SIGINT)
        eventually(lambda: "ending" in (place.folder / "serve.txt").read_text())
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
        assert gone(pids)
    board.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_very_end_do_not_change_the_exit_code(placed: Callable[..., Place], number: int) -> None:
    with served(placed()) as (process, _):
        while process.poll() is None:
            process.send_signal(number)
            time.sleep(0.001)
        assert process.returncode == 0


def test_two_of_them_may_share_a_folder(placed: Callable[..., Place]) -> None:
    place = placed(session_running=0)
    board = place.board()
    with served(place), served(place):
        board.submit("s", [place.order(seed=seed) for seed in range(3)], digest="s")
        assert closed(board, "s").status == "finished"
    assert [len(place.seen("begins", f"s-{n}")) for n in range(1, 4)] == [1] * 3
    board.close()


# -- what it refuses -------------------------------------------------------------------------------------------------


def test_taken_port_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert refusal(environment, tmp_path, "--port", port) == (
            f"error: serve: cannot listen on 127.0.0.1, port {port} (Address already in use); end what listens there, "
            "or choose another with --port, 0 for any that is free."
        )


def test_open_door_needs_a_token(environment: dict[str, str], tmp_path: Path) -> None:
    assert "QMV_SERVICE_TOKEN" in refusal(environment, tmp_path, "--host", "0.0.0.0", "--port", "0")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("style=noire", "noire"),
        ("image.no_such=1", "no_such"),
        ("fps=-3", "fps"),
        ("noir", "KEY=VALUE"),
        ("--wokers=2", "'--wokers' is not known. Did you mean '--workers'?"),
        ("--offered=style=neon,noirr", "'noirr' is not known. Did you mean 'noir'?"),
        ("--images=canvas,foldr", "'foldr' is not known. Did you mean 'folder'?"),
    ],
)
def test_typo_in_a_setting_is_told_before_it_starts(
    word: str, told: str, environment: dict[str, str], tmp_path: Path
) -> None:
    assert told in refusal(environment, tmp_path, "--port", "0", word)


def test_wrong_redis_is_one_sentence_without_the_password(environment: dict[str, str], tmp_path: Path) -> None:
    line = refusal(environment | {"REDIS_URL": "redis://:sesame-open-7@127.0.0.1:1/0"}, tmp_path, "--port", "0")
    assert "127.0.0.1:1" in line
    assert "sesame" not in line
    with redis_server(tmp_path / "redis") as redis:
        wrong = redis.url.replace(redis.password, "sesame-open-7")
        line = refusal(environment | {"REDIS_URL": wrong}, tmp_path, "--port", "0")
    assert "sesame" not in line


def test_unusable_state_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "outputs" / "service").mkdir(parents=True)
    (tmp_path / "outputs" / "service" / "state.sqlite").write_bytes(b"no database" * 999)
    assert "state.sqlite" in refusal(environment, tmp_path, "--port", "0")
    (tmp_path / "file").touch()
    assert "outputs" in refusal(environment, tmp_path, "--port", "0", "--outputs", "file/below")


def test_missing_extra_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    """A finder that knows no Flask stands for an environment without it."""
    code = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'flask' else find(name, *more)\n"
        "from qmv.__main__ import main\nsys.exit(main(['serve', '--port', '0']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert ended.stderr == "error: serve: flask is not installed; pip install 'qmv[service]'.\n"


def test_web_that_cannot_begin_is_not_started_for_ever(environment: dict[str, str], tmp_path: Path) -> None:
    """It alone uses gevent, which does not know this loop."""
    ended = subprocess.run(
        [sys.executable, "-m", "qmv", "serve", "--port", "0"], cwd=tmp_path, capture_output=True, text=True,
        env=environment | {"PYTHONPATH": str(ROOT), "GEVENT_LOOP": "no-such-loop"}, timeout=120,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert lines[-1].startswith("error: serve: the web ended 3 times before it could begin (exit code 1)")


def test_help_names_every_setting(environment: dict[str, str]) -> None:
    from qmv.service.settings import ServiceSettings

    ended = subprocess.run(
        [sys.executable, "-m", "qmv", "serve", "--help"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    names = [field.name.replace("_", "-") for field in dataclasses.fields(ServiceSettings)]
    assert [name for name in names if f"--{name}" not in ended.stdout and name != "overrides"] == []
    told = " ".join(ended.stdout.split())
    for words in ("(per minute; default: 30)", "(s; default: 15)", "0: as workers there are (default: 0)"):
        assert words in told
