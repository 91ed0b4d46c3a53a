"""Machines with a shared cache, each an outputs folder of its own: whatever becomes of it, the video's bytes are the
same, and nothing broken is used."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.cache import Cache
from qmv.engine.parcels import pack, unpack
from qmv.media.probe import probe
from tests.resilience.runs import Run, left, stages

pytestmark = pytest.mark.slow

SHOTS = 8
SENT = 2 * SHOTS + 2  # pictures and chunks; the beats and the sound

# What happens to the shared folder in the middle of a run, where the environment asks for it.
MEDDLER = """
import os
import pathlib
import shutil
import signal

import qmv.objects.folder as folder
from qmv.events import Progress
from qmv.hookspecs import hookimpl

GOES, STOPS = os.environ.get("TEST_GOES_AWAY", ""), int(os.environ.get("TEST_STOPS_AT", "0"))
copy, copies = shutil.copyfile, []


@hookimpl
def qmv_event(event):
    if GOES and isinstance(event, Progress) and event.node == "pictures" and event.done == 1:
        while not os.path.isfile(GOES):  # what is on its way makes the folder anew
            shutil.rmtree(GOES, ignore_errors=True)
            try:
                open(GOES, "x").close()
            except OSError:
                pass


def half(source, target):
    if str(target).endswith(".part"):
        copies.append(target)
    if len(copies) < STOPS or not str(target).endswith(".part"):
        return copy(source, target)
    data = pathlib.Path(source).read_bytes()
    pathlib.Path(target).write_bytes(data[: len(data) // 2])
    os.killpg(os.getpgrp(), signal.SIGSTOP)


if STOPS and os.getpgrp() == os.getpid():  # only a group of its own
    folder.shutil = type("shutil", (), {"copyfile": staticmethod(half)})
"""


@pytest.fixture(scope="session")
def line(overrides: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The overrides of all these runs, less the shared cache."""
    meddler = tmp_path_factory.mktemp("meddler") / "meddler.py"
    meddler.write_text(MEDDLER, encoding="utf-8")
    return *(word.replace("]", f",{meddler}]") if word.startswith("plugins") else word for word in overrides), "seed=0"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def on(run_cli: Run, line: tuple[str, ...], shared: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs the command on a machine, and waits for its end."""

    def run(machine: str, *more: str, **settings: Any) -> Any:
        ended = run_cli(*line, f"run.cache_url={shared}", *more, outputs=tmp_path / machine, **settings)
        assert ended.rc == 0, ended.stderr
        assert left(ended.outputs) == []
        return ended

    return run


@pytest.fixture
def starts(
    command: Callable[..., list[str]], environment: dict[str, str], line: tuple[str, ...], shared: Path, tmp_path: Path
) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command on a machine."""

    def start(machine: str, env: dict[str, str] | None = None, **settings: Any) -> subprocess.Popen[str]:
        words = command(*line, f"run.cache_url={shared}", outputs=tmp_path / machine)
        return subprocess.Popen(words, cwd=tmp_path, env=environment | (env or {}), **settings)

    return start


@pytest.fixture(scope="session")
def full(
    tmp_path_factory: pytest.TempPathFactory, run_in: Callable[..., Any], line: tuple[str, ...]
) -> dict[str, bytes]:
    """What one run leaves in the shared folder."""
    folder = tmp_path_factory.mktemp("full")
    ended = run_in(folder, *line, f"run.cache_url={folder / 'shared'}")
    assert ended.rc == 0, ended.stderr
    return objects(folder / "shared")


def objects(shared: Path) -> dict[str, bytes]:
    return {str(path.relative_to(shared)): path.read_bytes() for path in shared.rglob("*.qmv1")}


def fill(shared: Path, full: dict[str, bytes]) -> None:
    for name, data in full.items():
        (shared / name).parent.mkdir(parents=True, exist_ok=True)
        (shared / name).write_bytes(data)


def made(ended: Any) -> dict[str, tuple[int, int]]:
    """(made, reused) by stage."""
    found = stages(ended)
    return {node: (found[node]["made"], found[node]["reused"]) for node in ("beats", "pictures", "video")}


def notices(ended: Any) -> list[str]:
    manifest = json.loads((ended.video.parent / "manifest.json").read_text(encoding="utf-8"))
    return [note for note in manifest["notes"] if "shared cache" in note]


# -- whole -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_second_machine_makes_nothing_and_gets_the_same_bytes(
    on: Callable[..., Any], undisturbed: bytes, shared: Path, workers: int
) -> None:
    first = on("first", f"run.workers={workers}")
    assert len(objects(shared)) == SENT + 1  # and the sign
    second = on("second", f"run.workers={workers}")
    beats = stages(first)["beats"]["total"]
    assert made(first) == {"beats": (beats, 0), "pictures": (SHOTS, 0), "video": (SHOTS, 0)}
    assert made(second) == {"beats": (0, beats), "pictures": (0, SHOTS), "video": (0, SHOTS)}
    assert (first.video.read_bytes(), second.video.read_bytes()) == (undisturbed, undisturbed)
    assert notices(first) + notices(second) == []


def test_dry_run_tells_of_this_machine_and_sends_nothing(
    run_cli: Run, line: tuple[str, ...], shared: Path, full: dict[str, bytes], tmp_path: Path
) -> None:
    fill(shared, full)
    ended = run_cli(*line, f"run.cache_url={shared}", "run.dry=true", "seed=1", outputs=tmp_path / "dry")
    assert "8 pictures to make, 0 cached" in ended.stdout
    assert objects(shared) == full


def test_two_machines_at_once_end_with_the_same_bytes_and_whole_entries(
    starts: Callable[..., subprocess.Popen[str]], undisturbed: bytes, shared: Path, full: dict[str, bytes]
) -> None:
    both = [starts(machine, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for machine in "ab"]
    ended = [process.communicate(timeout=120) for process in both]
    assert [Path(out.strip().splitlines()[-1]).read_bytes() for out, _ in ended] == [undisturbed] * 2, ended
    assert objects(shared) == full
    assert "shared cache" not in "".join(said for _, said in ended)


# -- broken ----------------------------------------------------------------------------------------------------------


def cut(data: bytes, others: list[bytes]) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes, others: list[bytes]) -> bytes:
    at = random.Random(len(data)).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def empty(data: bytes, others: list[bytes]) -> bytes:
    return b""


def swapped(data: bytes, others: list[bytes]) -> bytes:
    return next(other for other in others if other != data)


def of_other_sums(data: bytes, others: list[bytes]) -> bytes:
    return data.replace(b'"sha256":"', b'"sha256":"0', 1)


def leading_out(data: bytes, others: list[bytes]) -> bytes:
    return data.replace(b'"name":"', b'"name":"../../../../../evil-', 1)


@pytest.mark.parametrize("broken", [cut, flipped, empty, swapped, of_other_sums, leading_out])
def test_broken_entries_are_not_used_and_whole_again_afterwards(
    on: Callable[..., Any], undisturbed: bytes, shared: Path, full: dict[str, bytes], broken: Any
) -> None:
    """Every entry that there is, each told once for its kind."""
    entries = {name: data for name, data in full.items() if "/" in name}
    fill(shared, full | {name: broken(data, list(entries.values())) for name, data in entries.items()})
    ended = on("second")
    assert ended.video.read_bytes() == undisturbed
    assert {node: count for node, (count, _) in made(ended).items()} == {"beats": 6, "pictures": SHOTS, "video": SHOTS}
    assert objects(shared) == full
    assert sorted(note.partition("(")[2].partition(":")[0] for note in notices(ended)) == [
        "chunks", "pictures", "sound", "whole_beats",
    ]  # fmt: skip
    assert "Traceback" not in ended.stderr
    assert not list(shared.parent.rglob("*evil*"))


def test_one_broken_entry_costs_itself_only(
    on: Callable[..., Any], undisturbed: bytes, shared: Path, full: dict[str, bytes]
) -> None:
    name = min(name for name in full if name.startswith("chunks/"))
    fill(shared, full | {name: flipped(full[name], [])})
    ended = on("second")
    assert (ended.video.read_bytes() == undisturbed, made(ended)["video"]) == (True, (1, SHOTS - 1))
    assert objects(shared) == full


@pytest.fixture
def forged(shared: Path, full: dict[str, bytes], tmp_path: Path) -> Path:
    """The shared folder, with a chunk in it that has the frames of another one, and the right hashes and form."""
    fill(shared, full)
    videos: dict[int, tuple[str, bytes]] = {}
    for name in sorted(name for name in full if name.startswith("chunks/")):
        out, key = tmp_path / "forger" / Path(name).stem, Path(name).stem
        out.mkdir(parents=True)
        unpack(shared / name, out, area="chunks", key=key, secret=b"")
        frames = probe(out / "chunk.mp4").frames
        if frames in videos and (out / "chunk.mp4").read_bytes() != videos[frames][1]:
            lie = Cache(tmp_path / "forger").put("chunks", key, copy_of(videos[frames][1]))
            pack(lie, shared / name, area="chunks", key=key, secret=b"")
            break
        videos[frames] = name, (out / "chunk.mp4").read_bytes()
    assert objects(shared) != full
    return shared


def test_chunk_with_the_frames_of_another_one_stops_one_run_and_is_made_by_the_next(
    run_cli: Run, on: Callable[..., Any], line: tuple[str, ...], undisturbed: bytes, forged: Path
) -> None:
    """Only the proof can tell; the shared one is whole again afterwards."""
    failed = run_cli(*line, f"run.cache_url={forged}", outputs=forged.parent / "second")
    assert failed.rc != 0
    assert "pieces of the video came from the shared cache and may be wrong" in failed.stderr
    ended = on("second")
    assert (ended.video.read_bytes() == undisturbed, notices(ended)) == (True, [])
    third = on("third")
    assert (third.video.read_bytes() == undisturbed, made(third)["video"]) == (True, (0, SHOTS))


def copy_of(chunk: bytes) -> Callable[[Path], None]:
    def fill_in(folder: Path) -> None:
        (folder / "chunk.mp4").write_bytes(chunk)

    return fill_in


# -- away ------------------------------------------------------------------------------------------------------------


def test_folder_that_goes_away_during_the_run_is_told_once(
    on: Callable[..., Any], undisturbed: bytes, shared: Path
) -> None:
    ended = on("first", env={"TEST_GOES_AWAY": str(shared)})
    assert ended.video.read_bytes() == undisturbed
    assert len(notices(ended)) == 1


def test_folder_that_cannot_be_written_is_told_once_and_sent_to_later(
    on: Callable[..., Any], undisturbed: bytes, shared: Path, full: dict[str, bytes]
) -> None:
    """The second run has nothing to do but that."""
    shared.write_text("a file", encoding="utf-8")
    first = on("first")
    assert (first.video.read_bytes() == undisturbed, len(notices(first))) == (True, 1)
    shared.unlink()
    second = on("first")
    assert (stages(second)["video"]["cached"], objects(shared) == full) == (True, True)


# -- killed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copies", [1, 4, 12])
def test_run_killed_while_it_sends_leaves_nothing_half_visible(
    starts: Callable[..., subprocess.Popen[str]],
    on: Callable[..., Any],
    shared: Path,
    full: dict[str, bytes],
    copies: int,
) -> None:
    """In the middle of the n-th file; the same command then sends what is missing."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "process_group": 0}
    process = starts("killed", {"TEST_STOPS_AT": str(copies)}, **quiet)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the run ended before it sent so much"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    assert list(shared.rglob("*.part"))
    for name in objects(shared):
        if "/" in name:
            out = shared.parent / "out" / name
            out.mkdir(parents=True)
            area, key = name.split("/")[0], Path(name).stem
            unpack(shared / name, out, area=area, key=key, secret=b"")
    on("killed")
    assert objects(shared) == full
    assert made(on("third"))["video"] == (0, SHOTS)
