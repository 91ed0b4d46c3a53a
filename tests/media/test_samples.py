"""A song's samples in a file: the same as in memory, in the memory of what is looked at."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from qmv.errors import InputError
from qmv.media import audio
from qmv.media.samples import let_go, mapped, to_read
from tests.media.helpers import chirps, song, write_sound

RATE = 44100


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    return write_sound(tmp_path / "tune.flac", chirps(3.0, RATE, 2), RATE, "flac", "stereo")


def resident_kb(samples: npt.NDArray[np.float32]) -> int:
    """How much of the mapping that holds these samples is in memory."""
    first = samples.__array_interface__["data"][0]
    lines = iter(Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines())
    for line in lines:
        start, _, end = line.split(" ")[0].partition("-")
        if end and int(start, 16) <= first < int(end, 16):
            return next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))
    raise AssertionError("no mapping holds the samples")


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, None), (0.5, 1.25)])
def test_mapped_samples_are_those_of_the_song_to_the_bit(tune: Path, start_s: float, end_s: float | None) -> None:
    wanted, rate_hz = audio.mono(song(tune, start_s, end_s))
    with mapped(song(tune, start_s, end_s), tune.parent) as (samples, found_hz):
        assert (samples.tobytes(), samples.dtype, found_hz) == (wanted.tobytes(), wanted.dtype, rate_hz)
        assert type(samples) is np.ndarray


def test_nothing_stays_in_the_folder(tune: Path) -> None:
    with pytest.raises(KeyError), mapped(song(tune), tune.parent):
        raise KeyError
    assert [path.name for path in tune.parent.iterdir()] == ["tune.flac"]


def test_a_window_without_sound_is_a_sentence(tune: Path) -> None:
    with pytest.raises(InputError, match="has no sound after start_s=9"), mapped(song(tune, 9.0), tune.parent):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="what is in memory is told by Linux")
def test_what_is_let_go_leaves_memory_and_can_be_read_again(tune: Path) -> None:
    """Half a megabyte is there after it was read, and none of it after that."""
    with mapped(song(tune), tune.parent) as (samples, _):
        seen = to_read(samples)
        whole = seen.tobytes()
        before = resident_kb(seen)
        let_go(seen)
        assert (before > 400, resident_kb(seen)) == (True, 0)
        assert seen.tobytes() == whole


def test_what_is_written_is_kept(tune: Path) -> None:
    """A tracker may change its samples in place."""
    with mapped(song(tune), tune.parent) as (samples, _):
        samples *= 0.5
        halved = samples.copy()
        let_go(samples)
        assert samples.tobytes() == halved.tobytes()


def test_samples_in_memory_stay_there() -> None:
    samples = np.arange(10, dtype=np.float32)
    let_go(to_read(samples))
    assert samples.tolist() == list(range(10))
    assert samples.flags.writeable
