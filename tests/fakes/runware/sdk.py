"""The real SDK, imported so that neither its waits nor its loggers outlive a test."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.runware.process import FakeRunware

__all__ = ["connected", "patient_sdk"]

# It reads these from the environment once, at its first import; so they are set where it uses them, in milliseconds.
_WAITS = {
    "IMAGE_INFERENCE_TIMEOUT": 1500,
    "VIDEO_INITIAL_TIMEOUT": 1000,
    "VIDEO_POLLING_DELAY": 100,
    "IMAGE_POLLING_DELAY": 100,
    "MAX_RETRY_ATTEMPTS": 1,  # it would send a lost task again
}


def patient_sdk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `runware` with short waits, which sends no task twice."""
    loggers = [logging.getLogger(name) for name in ("asyncio", "websockets")]
    before = [(logger.level, logger.propagate, [*logger.handlers]) for logger in loggers]
    import runware.base

    for logger, (level, propagate, handlers) in zip(loggers, before):
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers
    for name, value in _WAITS.items():
        monkeypatch.setattr(runware.base, name, value)
    return sys.modules["runware"]


@contextlib.asynccontextmanager
async def connected(fake: FakeRunware, key: str = "test-key") -> AsyncIterator[Any]:
    """A client of the fake; connecting never takes longer than 5 s."""
    from runware import Runware

    client = Runware(key, url=fake.url)
    try:
        await asyncio.wait_for(client.connect(), 5)
        yield client
    finally:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(client.disconnect(), 5)
