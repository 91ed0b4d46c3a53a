"""A running fake for each test, and the real SDK."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.runware.process import FakeRunware, fake_runware
from tests.fakes.runware.sdk import patient_sdk


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeRunware]:
    with fake_runware(tmp_path / "fake") as running:
        yield running
    assert (tmp_path / "fake" / "stderr.txt").read_text(encoding="utf-8") == ""


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield patient_sdk(monkeypatch)
    # What the SDK leaves unfinished is tidied up here, and not in the middle of what a later test does: ast.parse has
    # raised a SystemError ("AST constructor recursion depth mismatch") after these tests.
    gc.collect()
