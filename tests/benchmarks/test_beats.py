"""The benchmark of trackers: which songs it takes, and what becomes of a tracker that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmarks import beats as benchmark
from qmv.api import Tracker, plugin
from qmv.artifacts import Beats
from qmv.testing import click_track


@plugin
class Exact(Tracker):
    """Knows the clicks."""

    name = "exact"
    late_s: float = 0.0

    def track(self, samples: Any, rate_hz: int, hints: Any) -> Beats:
        from fractions import Fraction

        times = tuple(0.25 + self.late_s + n / 2 for n in range(20))
        duration_s = Fraction(len(samples), rate_hz)
        return Beats(times_s=times, bar_position=(0,) * 20, tempo_bpm=120, confidence=1, duration_s=duration_s)


@plugin
class Failing(Tracker):
    """Raises."""

    name = "failing"

    def track(self, samples: Any, rate_hz: int, hints: Any) -> Beats:
        raise ValueError("nothing works")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A song in two formats and one without a .beats file."""
    for name in ("song.wav", "song.flac", "other.wav"):
        soundfile.write(tmp_path / name, click_track(120, 0.25, 10.5), 22050)
    (tmp_path / "song.beats").write_text("".join(f"{0.25 + n / 2:.6f}\t{n % 4 + 1}\n" for n in range(20)))
    return tmp_path


def test_songs_are_those_with_a_beats_file_in_every_format(folder: Path) -> None:
    assert [audio.name for audio, _ in benchmark.songs_in([folder])] == ["song.flac", "song.wav"]


def test_a_tracker_is_measured(folder: Path) -> None:
    figures = benchmark.measure(Exact(late_s=0.01), folder / "song.wav", folder / "song.beats")
    assert (figures["f"], figures["beats"], figures["true"], figures["error"]) == (1, 20, 20, "")
    assert figures["offset_ms"] == pytest.approx(10, abs=1e-6)
    assert figures["cpu_s"] >= 0


def test_a_tracker_that_fails_scores_nothing_and_says_why(folder: Path) -> None:
    figures = benchmark.measure(Failing(), folder / "song.wav", folder / "song.beats")
    assert (figures["f"], figures["downbeat_f"], figures["beats"]) == (0, 0, 0)
    assert figures["error"] == "ValueError: nothing works"


def test_means_take_lateness_by_its_size(folder: Path) -> None:
    early, late = (
        benchmark.measure(Exact(late_s=late_s), folder / "song.wav", folder / "song.beats") for late_s in (-0.02, 0.04)
    )
    assert benchmark.means([early, late])["abs_offset_ms"] == pytest.approx(30, abs=1e-6)
    assert benchmark.means([early, late])["f"] == 1


def test_made_songs_are_what_their_beats_say() -> None:
    from benchmarks.made_songs import RATE_HZ, make

    made = make("rock_140", 12.0)
    assert np.diff(made.times_s) == pytest.approx(60 / 140)
    assert made.positions[:5].tolist() == [1, 2, 3, 4, 1]
    assert len(made.samples) == 12 * RATE_HZ
    before, after = (
        np.mean([np.abs(made.samples[round(t * RATE_HZ) + shift :][:441]).max() for t in made.times_s])
        for shift in (-442, 0)
    )
    assert after > 2 * before


def test_made_songs_are_the_same_each_time() -> None:
    from benchmarks.made_songs import make

    assert np.array_equal(make("funk_90", 8.0).samples, make("funk_90", 8.0).samples)


def test_a_made_song_without_beats_says_so() -> None:
    from benchmarks.made_songs import make

    assert not len(make("pads", 8.0).times_s)
