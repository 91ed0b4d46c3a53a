"""The sampler of memory, on a child whose memory is known."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.measure import REPO
from benchmarks.memory import Due

# the grandchild shares what was allocated before the fork, and has 100 MB of its own
ALLOCATE = """
import os, time
held = bytearray(b"x") * 200_000_000
if os.fork() == 0:
    more = bytearray(b"y") * 100_000_000
    time.sleep(0.6)
    os._exit(0)
os.wait()
"""


def peak_mb(code: str) -> float:
    """Measured from a process that has no other child, since a sample has them all."""
    ask = (
        "import sys; from benchmarks.measure import measure as m\nprint(m([sys.executable, '-c', sys.argv[1]]).peak_mb)"
    )
    done = subprocess.run([sys.executable, "-c", ask, code], cwd=REPO, capture_output=True, text=True, timeout=60)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="PSS and fork")
def test_peak_counts_the_whole_tree_and_shared_pages_once() -> None:
    """Within 30 MB: Python itself takes about 10."""
    assert peak_mb(ALLOCATE) == pytest.approx(310, abs=30)


def test_peak_of_a_child_that_allocates() -> None:
    """Within 30 MB, RSS included."""
    code = "import time; held = bytearray(b'x') * 200_000_000; time.sleep(0.4)"
    assert peak_mb(code) == pytest.approx(210, abs=30)


def test_shared_pages_are_read_only_where_a_new_peak_is_possible() -> None:
    due = Due()
    assert due(100, 0.0)
    due.took(100, 60, 0.0, 0.01)
    assert not due(60, 10.0)  # RSS is not above the peak so far
    assert not due(101, 0.02)  # hardly grown since, and too early: reading took 10 ms
    assert due(101, 10.0)
    assert due(110, 0.02)  # it has grown
    due.took(110, 50, 0.02, 0.03)
    assert due.peak == 60
