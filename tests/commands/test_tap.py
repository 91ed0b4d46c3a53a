"""Tapping as a user does it: keys of a terminal, lines of a pipe, and a player that only waits."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qmv.analysis.beat_files import read

pytestmark = pytest.mark.slow

PATIENCE_S = 120  # for a busy machine

Tap = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """What is all on the PATH: nothing yet."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def add_player(bin_folder: Path, script: str) -> None:
    """A player that does what a Python script says; `sys.argv[-1]` is the file to play."""
    path = bin_folder / "ffplay"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "qmv", "tap", *arguments]


@pytest.fixture
def tap(tmp_path: Path, bin_folder: Path, environment: dict[str, str]) -> Tap:
    """Runs the command with text on its stdin."""

    def run(*arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment | {"PATH": str(bin_folder)},
            input=lines,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    assert (ended.returncode, ended.stdout, "Traceback" in ended.stderr) == (1, "", False)
    [error] = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    return error


def told(times_s: list[float]) -> str:
    return "".join(f"{time_s:.3f}\n" for time_s in times_s)


ON_CLICKS = [0.25 + 0.5 * beat for beat in range(6)]


def test_tap_puts_piped_times_onto_the_clicks(tap: Tap, song: Path, tmp_path: Path) -> None:
    scatter = np.random.default_rng(3).normal(0, 0.02, 6)
    ended = tap("song.wav", lines=told([float(at + 0.08 + off) for at, off in zip(ON_CLICKS, scatter)]))
    assert ended.returncode == 0, ended.stderr
    assert read(tmp_path / "song.beats").times_s == pytest.approx(ON_CLICKS, abs=0.012)
    assert ended.stdout == "python run.py song=song.wav song.beats_file=song.beats\n"


def test_tap_raw_writes_what_was_tapped(tap: Tap, song: Path, tmp_path: Path) -> None:
    ended = tap("song.wav", "--raw", "--latency-ms=100", "--out=mine.beats", lines="1.5\n0.35\n0.4\n.05\n2.9\n7\n")
    assert ended.returncode == 0, ended.stderr
    assert read(tmp_path / "mine.beats").times_s == (0.25, 0.3, 1.4, 2.8)


def test_tap_raw_counts_a_key_that_bounces_once(tap: Tap, song: Path, tmp_path: Path) -> None:
    ended = tap("song.wav", "--raw", "--out=mine.beats", lines="0.5\n0.504\n1\n1.5\n1.509\n2\n")
    assert ended.returncode == 0, ended.stderr
    assert read(tmp_path / "mine.beats").times_s == (0.5, 1.0, 1.5, 2.0)


def test_tap_takes_empty_lines_as_taps_now(
    click_track: Callable[..., Path], tmp_path: Path, environment: dict[str, str]
) -> None:
    click_track(tmp_path / "song.wav", seconds=60.0)  # so long that they lie in it on a busy machine, too
    tapping = subprocess.Popen(
        command("song.wav", "--raw"),
        cwd=tmp_path,
        env=environment | {"PATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert tapping.stdin is not None
    for _ in range(4):
        time.sleep(0.25)
        tapping.stdin.write(b"\n")
        tapping.stdin.flush()
    tapping.stdin.close()
    assert tapping.wait(timeout=PATIENCE_S) == 0
    assert len(read(tmp_path / "song.beats").times_s) >= 1  # those before the start lie in one heap


def on_a_terminal(keys: list[bytes], cwd: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Runs the command on a pseudo-terminal, hits each key 0.2 s after the one before was heard, and tells its end.

    Once it has heard half of them, a file `enough` lies beside it.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*arguments), cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, hit, deadline = b"", 0, time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        ready, _, _ = select.select([ours], [], [], 0.2)
        try:
            shown += os.read(ours, 4096) if ready else b""
            if hit < len(keys) and b"\r%d taps" % hit in shown:
                if 2 * hit >= len(keys):
                    (cwd / "enough").touch()
                time.sleep(0.2)
                os.write(ours, keys[hit])
                hit += 1
        except OSError:  # its end of the terminal is closed
            break
    os.close(ours)
    return process.wait(PATIENCE_S), shown.decode()


WAITS = "time.sleep(600)"  # until the command ends it


def test_tap_takes_any_key_of_a_terminal_until_q(
    song: Path, tmp_path: Path, bin_folder: Path, environment: dict[str, str]
) -> None:
    add_player(bin_folder, WAITS)
    keys = [b" ", b"\n", b"x", b"\x1b[A", b"5", b"q"]
    rc, shown = on_a_terminal(keys, tmp_path, environment | {"PATH": str(bin_folder)}, "song.wav", "--raw")
    assert (rc, "5 taps" in shown, "song.beats_file=song.beats" in shown) == (0, True, True), shown
    gaps = np.diff(read(tmp_path / "song.beats").times_s)
    assert len(gaps) == 4
    assert all(gaps > 0.19)  # each is hit 0.2 s after the one before was heard


def test_tap_ends_with_the_song(song: Path, tmp_path: Path, bin_folder: Path, environment: dict[str, str]) -> None:
    reads = "assert open(sys.argv[-1], 'rb').read(4) == b'RIFF'"
    add_player(bin_folder, f"{reads}\nimport os\nwhile not os.path.exists('enough'): time.sleep(0.05)")
    keys = [b" "] * 12
    rc, shown = on_a_terminal(keys, tmp_path, environment | {"PATH": str(bin_folder)}, "song.wav", "--raw")
    assert (rc, "wrote" in shown) == (0, True), shown


def test_tap_tells_what_the_player_complains_of(
    song: Path, tmp_path: Path, bin_folder: Path, environment: dict[str, str]
) -> None:
    add_player(bin_folder, "sys.exit('no sound device')")
    rc, shown = on_a_terminal([], tmp_path, environment | {"PATH": str(bin_folder)}, "song.wav")
    assert (rc, "cannot play the song (no sound device)" in shown) == (1, True), shown


def test_tap_without_a_player_tells_how_to_pipe(song: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    rc, shown = on_a_terminal([], tmp_path, environment | {"PATH": ""}, "song.wav")
    assert (rc, "no player was found, install one of ffplay" in shown) == (1, True), shown


def test_tap_keeps_a_file_that_is_there(tap: Tap, song: Path, tmp_path: Path) -> None:
    (tmp_path / "song.beats").write_text("0.5\n", encoding="utf-8")
    assert "song.beats): is there already" in refused(tap("song.wav", lines=told(ON_CLICKS)))
    assert tap("song.wav", "--force", lines=told(ON_CLICKS)).returncode == 0
    assert len(read(tmp_path / "song.beats").times_s) == 6


@pytest.mark.parametrize(
    ("arguments", "lines", "words"),
    [
        (["song.wav"], "0.5\n1.0\n", "a pulse needs 4 taps at least, got 2"),
        (["song.wav"], "", "a pulse needs 4 taps at least, got 0"),
        (["song.wav"], "0.5\nnow\n", "line 2 is 'now'"),
        (["song.wav", "--raw"], "7\n8\n9\n10\n", "no tap lies in the song, which is 3.000 s long"),
        (["song.wav", "--latency-ms=nan"], "", "--latency-ms must be -2000 to 2000, got nan"),
        (["song.wav", "--out=nowhere/song.beats"], "", "there is no folder nowhere"),
        (["nothing.wav"], "", "there is no such file"),
    ],
)
def test_tap_refuses_what_it_cannot_use(tap: Tap, song: Path, arguments: list[str], lines: str, words: str) -> None:
    assert words in refused(tap(*arguments, lines=lines))
