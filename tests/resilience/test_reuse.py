"""What changes nothing is not made again: other songs with the same beats, other pictures, transitions, other runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.resilience.runs import Run, stages

pytestmark = pytest.mark.slow

SHOTS = 8


def made(ended: Any, node: str) -> tuple[int, int]:
    """(made, reused) of a stage; one that came whole from the cache made nothing."""
    record = stages(ended)[node]
    return (0, record["total"] or SHOTS) if record["cached"] else (record["made"], record["reused"])


# -- another song, pictures, transition ------------------------------------------------------------------------------


@pytest.fixture
def first(run_cli: Run, overrides: tuple[str, ...]) -> Any:
    """A finished run in the folder that the test's own run goes on with."""
    ended = run_cli(*overrides)
    assert made(ended, "video") == (SHOTS, 0), ended.stderr
    return ended


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_new_master_with_the_same_beats_encodes_the_sound_only(
    first: Any, run_cli: Run, overrides: tuple[str, ...], tmp_path: Path, kind: str
) -> None:
    """3 dB less and a little noise; or the same samples in another format."""
    samples, rate_hz = soundfile.read(overrides[0].removeprefix("song="))
    if kind == "wav":
        samples = samples * 10 ** (-3 / 20) + np.random.default_rng(1).normal(0, 3e-4, len(samples))
    master = tmp_path / "master" / f"song.{kind}"  # another title would be told in other prompts
    master.parent.mkdir()
    soundfile.write(master, samples, rate_hz)
    ended = run_cli(f"song={master}", *overrides[1:])
    assert (made(ended, "pictures"), made(ended, "video")) == ((0, SHOTS), (0, SHOTS)), ended.stderr
    assert not stages(ended)["video"]["cached"]
    kept = first.found("cache/sound/??/*/sound.mp4")
    assert (len(kept), ended.video != first.video) == (2, True)


def test_changed_picture_costs_two_chunks_at_most(
    run_cli: Run, overrides: tuple[str, ...], picture_folder: Callable[..., Path], tmp_path: Path
) -> None:
    pictures = picture_folder(tmp_path / "pictures", SHOTS)
    given = (*overrides, "image=folder", f"image.path={pictures}")
    run_cli(*given)
    (pictures / "3.png").write_bytes((pictures / "6.png").read_bytes())
    ended = run_cli(*given)
    assert made(ended, "video") == (2, SHOTS - 2), ended.stderr


@pytest.mark.parametrize("transition", ["cut", "wipe"])
def test_other_transition_paints_no_picture_and_keeps_chunks_without_one(
    first: Any, run_cli: Run, overrides: tuple[str, ...], transition: str
) -> None:
    """From crossfades: a wipe has the same frames, so the first shot stays; a cut makes each shot another length."""
    ended = run_cli(*overrides[:-1], f"transition={transition}")
    assert made(ended, "pictures") == (0, SHOTS)
    assert made(ended, "video") == ((SHOTS - 1, 1) if transition == "wipe" else (SHOTS, 0))


# -- side by side ----------------------------------------------------------------------------------------------------


def test_two_runs_of_one_command_at_the_same_time_give_the_same_bytes(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    line = command(*overrides, outputs=tmp_path / "outputs")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(line, cwd=tmp_path, env=environment, **pipes) for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    first, second = (Path(out.strip().splitlines()[-1]) for out, _ in ended)
    assert (first != second, first.read_bytes() == second.read_bytes()) == (True, True)


def test_two_runs_at_the_same_time_make_each_picture_once(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [command(*overrides, f"quality.crf={crf}", outputs=tmp_path / "outputs") for crf in (20, 30)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(line, cwd=tmp_path, env=environment, **quiet) for line in lines]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    counts = [json.loads(path.read_text())["pictures"] for path in (tmp_path / "outputs").rglob("manifest.json")]
    assert sum(count["made"] for count in counts) == 8


def test_two_runs_at_the_same_time_encode_each_chunk_once(
    command: Callable[..., list[str]], environment: dict[str, str], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    """They differ in their sound, so neither waits for the other's whole video."""
    lines = [
        command(*overrides, "run.workers=2", f"audio_kbps={kbps}", outputs=tmp_path / "outputs") for kbps in (96, 128)
    ]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(line, cwd=tmp_path, env=environment, **quiet) for line in lines]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    found = [json.loads(path.read_text())["stages"] for path in (tmp_path / "outputs").rglob("manifest.json")]
    counts = [stage for run in found for stage in run if stage["node"] == "video"]
    assert (sum(stage["made"] for stage in counts), sum(stage["reused"] for stage in counts)) == (SHOTS, SHOTS)


def test_any_number_of_workers_gives_the_same_bytes(
    run_cli: Run, overrides: tuple[str, ...], undisturbed: bytes
) -> None:
    assert run_cli(*overrides, "run.workers=2").video.read_bytes() == undisturbed
