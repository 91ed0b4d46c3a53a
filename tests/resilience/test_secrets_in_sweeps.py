"""No secret of the command line is on the disk at any moment of a run, so kill -9 leaves none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SIGN = "TOPSECRETTOPSECRET"
MISSING = f"http://127.0.0.1:9/a.wav?Signature={SIGN}0,http://127.0.0.1:9/b.wav?Signature={SIGN}1"

# a plugin that kills its own process at the moment at which Hydra has written what it writes
KILLER = """
import os
import signal

from hydra.plugins.sweeper import Sweeper


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


Sweeper.validate_batch_is_legal = kill
"""


def holding(folder: Path, words: str) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in files if words.encode() in path.read_bytes()]


@pytest.fixture
def ended(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*overrides: str) -> subprocess.CompletedProcess[str]:
        line = command("graph=storyboard", *overrides, outputs=tmp_path / "outputs")
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_sweep_with_jobs_that_fail_writes_and_says_no_signature(
    ended: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = ended("-m", f"song={MISSING}", "hydra/launcher=basic")
    assert done.returncode == 75  # there may be a server the next time
    assert "0 of 2 jobs finished" in done.stderr
    assert SIGN not in done.stdout + done.stderr
    assert holding(tmp_path / "outputs", SIGN) == []
    [sweep] = (tmp_path / "outputs" / "sweeps").iterdir()
    assert 'song="http://127.0.0.1:9/a.wav[secret]","http://127.0.0.1:9/b.wav[secret]"' in (
        sweep / "multirun.yaml"
    ).read_text(encoding="utf-8")
    assert json.loads((sweep / "1" / "manifest.json").read_text(encoding="utf-8"))["status"] == "failed"
    assert sorted(path.name for path in (sweep / "0" / ".hydra").iterdir()) == [
        "config.yaml", "hydra.yaml", "overrides.yaml",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_sweep_that_is_killed_before_its_first_job_leaves_no_signature(
    ended: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "killer.py").write_text(KILLER, encoding="utf-8")
    done = ended("-m", f"song={MISSING}", f"plugins=[{tmp_path / 'killer.py'}]")
    assert done.returncode == -signal.SIGKILL
    assert list((tmp_path / "outputs").rglob("multirun.yaml"))
    assert holding(tmp_path / "outputs", SIGN) == []


@pytest.mark.parametrize(
    "override",
    [
        f"'++song.path=http://127.0.0.1:9/a.wav?Signature={SIGN}",
        f'++song.path="http://127.0.0.1:9/a.wav?Signature={SIGN}"',
        f"song=choice(http://127.0.0.1:9/a.wav?Signature={SIGN})",
        f"run.cache_url=s3://me:{SIGN}@bucket/x?key={SIGN}",
        f'run.cache_url="s3://me:{SIGN}@bucket/x?key={SIGN}"',
        f'+storage.url="s3://me:{SIGN}@bucket/x?key={SIGN}"',
    ],
)
def test_secret_of_any_argument_is_neither_told_nor_written(
    ended: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, override: str
) -> None:
    done = ended(override)
    assert done.stderr
    assert SIGN not in done.stdout + done.stderr
    assert holding(tmp_path, SIGN) == []
