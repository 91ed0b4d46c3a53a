"""A song has the same beats on every machine: nothing depends on how many threads a library calculates with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from qmv.analysis.features import features
from qmv.analysis.onsets import onsets
from qmv.analysis.timing import on_attacks

RATE_HZ = 22050
SAMPLES = np.random.default_rng(1).normal(0, 0.2, 10 * RATE_HZ).astype(np.float32)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: onsets(SAMPLES, RATE_HZ),
        lambda: features(SAMPLES, RATE_HZ),
        lambda: [on_attacks(SAMPLES, RATE_HZ, np.arange(0.5, 9.5, 0.5))],
    ],
    ids=["onsets", "features", "attacks"],
)
def test_analysis_is_the_same_to_the_bit_with_one_thread_and_with_four(measure: Callable[[], Iterable[Any]]) -> None:
    found = []
    for threads in (1, 4):
        with threadpool_limits(threads):
            found.append([values.tobytes() for values in measure()])
    assert found[0] == found[1]
