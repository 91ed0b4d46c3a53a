"""A service that sells pictures, as a process of its own, for the providers that buy there."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmv.buying import loop, patience
from tests.fakes.runware.process import FakeRunware, fake_runware


@pytest.fixture
def runware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRunware]:
    """Runware, with its key in the environment."""
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    with fake_runware(tmp_path / "fake") as fake:
        yield fake
    assert (tmp_path / "fake" / "stderr.txt").read_text(encoding="utf-8") == ""
    gc.collect()  # what the SDK leaves unfinished is tidied up here, and not in the middle of a later test


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundredths of a second between tries, where users wait for seconds."""
    monkeypatch.setattr(patience, "_FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(patience, "_LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(loop, "_ON_ITS_WAY_S", 0.05)
