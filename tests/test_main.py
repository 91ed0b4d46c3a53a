"""`python -m qmv` ends in a sentence and leaves nothing behind, whatever its streams and signals are."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qmv import __main__ as main
from qmv import ending
from qmv.testing.things import click_track
from tests.media.helpers import write_sound

pytestmark = pytest.mark.slow


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_sound(tmp_path / "song.wav", click_track(120, 0.25, 4.0, 8000)[None], 8000, "pcm_s16le", "mono")


def qmv(words: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in a shell, for what is done to its streams."""
    return subprocess.run(
        f"{sys.executable} -m qmv {words}", shell=True, cwd=folder, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "rc", "said"),
    [
        ("tap song.wav <&-", 1, "error: tap: a pulse needs 4 taps"),
        ("beats song.wav >&-", 0, "8 beats"),
        ("beats song.wav >/dev/full", 1, "error: beats: No space left on device; name another file."),
        (f"beats song.wav --plot {'long' * 80}.png", 1, "error: beats: File name too long: longlong"),
    ],
)
def test_strange_streams_and_names_end_in_a_sentence(
    song: Path, environment: dict[str, str], words: str, rc: int, said: str
) -> None:
    ended = qmv(words, environment, song.parent)
    assert (ended.returncode, said in ended.stderr, "Traceback" in ended.stderr) == (rc, True, False), ended.stderr


def test_signal_while_numpy_loads_is_no_fault_of_numpy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(given: object) -> None:
        try:
            ending._terminate(signal.SIGTERM, None)
        except KeyboardInterrupt as error:
            raise ImportError("numpy is broken") from error

    monkeypatch.setattr(ending, "_signals", [])
    monkeypatch.setattr("qmv.commands.plugins._list_plugins", interrupted)
    assert (main.main(["plugins"]), capsys.readouterr().err) == (130, "cancelled\n")


def test_terminated_command_leaves_no_folder_behind(song: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "qmv", "tap", str(song)], cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment | {"TMPDIR": str(tmp_path / "temporary"), "PATH": str(tmp_path)},
    )  # fmt: skip
    until = time.monotonic() + 120
    while not list((tmp_path / "temporary").glob("qmv-tap-*/song.wav")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert not any((tmp_path / "temporary").iterdir())
    assert b"Traceback" not in said
