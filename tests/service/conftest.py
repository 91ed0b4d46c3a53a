"""Tests wait for Redis as long as it takes: a machine that stands still for seconds is no Redis that is away."""

from __future__ import annotations

import pytest

from qmv.service.queue import redis_link


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the test's own process; a test of how long users wait undoes it."""
    monkeypatch.setattr(redis_link, "_ANSWER_S", 120.0)
