"""A job by the overrides of a command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmv.engine.config.job import Job, bind
from qmv.engine.registry import Registry


@pytest.fixture
def job(compose: Callable[..., tuple[Any, Registry]]) -> Callable[..., Job]:
    def bound(*overrides: str) -> Job:
        return bind(*compose(*overrides))

    return bound
