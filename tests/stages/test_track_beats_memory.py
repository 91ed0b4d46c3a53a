"""The memory that beats take does not grow with the song."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from qmv.testing import click_track

RATE = 22050
TRACKED = """
import sys
from pathlib import Path
from qmv.artifacts import File, Song
from qmv.plugins.tracker.superflux import Superflux
from qmv.stages.track_beats import TrackBeats
from qmv.testing import stage_context

path = Path(sys.argv[1])
song = Song(file=File.of(path), title="", artist="")
beats = TrackBeats(tracker=Superflux()).run(stage_context(path.with_suffix("")), song)
status = Path("/proc/self/status").read_text(encoding="utf-8")
print(len(beats.times_s), next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def tracked(folder: Path, minutes: float) -> tuple[int, float]:
    """How many beats a process finds in so much music, and how many MB it takes at most.

    The peak is that of /proc: `ru_maxrss` would be the test's own, which a child process begins with.
    """
    path = folder / f"{minutes:g} minutes.wav"
    soundfile.write(path, click_track(120, 0.5, 60 * minutes, RATE), RATE)
    path.with_suffix("").mkdir()
    done = subprocess.run([sys.executable, "-c", TRACKED, str(path)], capture_output=True, text=True, check=True)
    beats, kilobytes = done.stdout.split()
    return int(beats), int(kilobytes) / 1000


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is told by Linux")
def test_ten_minutes_take_hardly_more_memory_than_one(tmp_path: Path) -> None:
    """25 MB: nine minutes are 48 MB of samples, and what is kept of them (onsets, the way of the beats) 12 MB."""
    (few, short_mb), (many, long_mb) = (tracked(tmp_path, minutes) for minutes in (1, 10))
    assert few == pytest.approx(119, abs=2)
    assert many == pytest.approx(1199, abs=2)
    assert long_mb - short_mb < 25
