"""The example package: keeps the contract, installs, and runs with its preset."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmv.engine.plugin_files import load_file
from qmv.media.probe import probe
from qmv.testing import ImageProviderContract

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "qmv-confetti"
confetti = load_file(str(EXAMPLE / "qmv_confetti" / "__init__.py"))


class TestConfetti(ImageProviderContract):
    plugin = confetti.Confetti(pieces=50)


@pytest.mark.slow
def test_confetti_installs_and_runs_with_its_preset(tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    subprocess.run([sys.executable, *pip, str(EXAMPLE)], check=True, capture_output=True)
    settings = ["image=confetti_bright", "width=64", "height=64", "song.end_s=6", f"outputs={tmp_path}"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *settings],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert probe(Path(done.stdout.splitlines()[-1])).frames == 6 * 24
