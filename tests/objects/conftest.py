"""What the tests of Google's buckets share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gcs.process import FakeGcs, fake_gcs


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeGcs]]:
    """Starts a fake with a script, and points the library at it; at most one a test."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # what the library asks Google by itself goes nowhere
    with ExitStack() as running:

        def start(**script: Any) -> FakeGcs:
            made = running.enter_context(fake_gcs(tmp_path / "fake", **script))
            monkeypatch.setenv("API_ENDPOINT_OVERRIDE", made.url)
            monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(made.key))
            return made

        yield start
