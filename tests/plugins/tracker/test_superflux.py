"""The superflux tracker against songs that are made with known beats and bars."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.made_band import RATE_HZ
from benchmarks.made_songs import Made, make
from qmv.artifacts import Beats, Hints
from qmv.plugins.tracker.superflux import Superflux
from qmv.testing import TrackerContract, click_track

SECONDS = 24.0


class TestSuperflux(TrackerContract):
    plugin = Superflux()


def tracked(made: Made, hints: Hints | None = None) -> Beats:
    return Superflux().track(made.samples, RATE_HZ, hints or Hints())


def found_share(made: Made, beats: Beats, tolerance_s: float = 0.03) -> float:
    """The F-measure: the harmonic mean of how many true beats are found and how many found ones are true."""
    if not beats.times_s:
        return float(not len(made.times_s))
    true = made.times_s[made.times_s < len(made.samples) / RATE_HZ]
    away = np.abs(np.array(beats.times_s)[:, None] - true[None, :])
    precision, recall = (float((away.min(axis=axis) < tolerance_s).mean()) for axis in (1, 0))
    return 2 * precision * recall / max(precision + recall, 1e-9)


def downbeats(times_s: npt.ArrayLike, positions: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.array(times_s)[np.array(positions) == 1]


@pytest.mark.parametrize(
    ("name", "meter"),
    [
        ("pop_105", "4/4"),
        ("rock_140", "4/4"),
        ("waltz_90", "3/4"),
        ("five_four_126", "5/4"),
        ("six_eight_96", "6/8"),
        ("seven_four_138", "7/4"),
    ],
)
def test_superflux_finds_beats_bars_and_meter(name: str, meter: str) -> None:
    """30 ms is less than a frame at 24 frames a second; a few beats at the edges may be missing."""
    made = make(name, 2 * SECONDS)
    beats = tracked(made)
    assert beats.meter == meter
    assert found_share(made, beats) > 0.94
    true = downbeats(made.times_s, made.positions)
    found = downbeats(beats.times_s, beats.bar_position)
    for time_s in found[found < made.times_s[-1] + 0.03]:  # the last note may sound longer than the bar
        assert np.abs(true - time_s).min() < 0.03


def plain(positions: list[int], sounds: Mapping[int, tuple[float, float, float]], bpm: float = 120.0) -> Made:
    """As a first program would make a song: each beat a decaying sine by its place in the bar (hertz, seconds, level),
    a burst of noise for 0 Hz.
    """
    rng, times_s = np.random.default_rng(3), 0.5 + np.arange(len(positions)) * 60 / bpm
    samples, t = np.zeros(round((times_s[-1] + 1) * RATE_HZ)), np.arange(round(0.2 * RATE_HZ)) / RATE_HZ
    for time_s, position in zip(times_s, positions):
        hz, decay_s, level = sounds[position]
        sound = np.sin(2 * np.pi * hz * t) if hz else 0.6 * rng.standard_normal(len(t))
        samples[round(time_s * RATE_HZ) :][: len(t)] += level * np.exp(-t / decay_s) * sound
    return Made(samples=(0.8 * samples).astype(np.float32).clip(-1, 1), times_s=times_s, positions=np.array(positions))


_CLICK, _SOFT, _SNARE = (1000, 0.01, 1.0), (1000, 0.01, 0.5), (0, 0.04, 0.5)
_KICK, _SOFT_KICK = (60, 0.06, 1.0), (60, 0.06, 0.7)


@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize(
    ("meter", "sounds"),
    [
        ("4/4", (_CLICK, _SOFT, _SOFT, _SOFT)),
        ("4/4", (_KICK, _SNARE, _SOFT_KICK, _SNARE)),
        ("3/4", (_CLICK, _SOFT, _SOFT)),
    ],
    ids=["accented clicks", "an accented kick", "accented clicks in three"],
)
def test_superflux_hears_the_accent_of_plain_bars(
    meter: str, sounds: Sequence[tuple[float, float, float]], first: int
) -> None:
    """Also where the song begins within a bar; 30 ms is less than a frame at 24 frames a second."""
    made = plain([(first - 1 + beat) % len(sounds) + 1 for beat in range(60)], dict(enumerate(sounds, 1)))
    beats = tracked(made)
    assert beats.meter == meter
    true = downbeats(made.times_s, made.positions)
    assert np.abs(true - downbeats(beats.times_s, beats.bar_position)[:, None]).min(axis=1).max() < 0.03


@pytest.mark.parametrize("name", ["house_118", "house_129", "punk_200", "human_112"])
def test_superflux_is_neither_early_nor_late(name: str) -> None:
    """5 ms: a player of the human song is 10 ms off at times, and a drum's attack takes 2 ms."""
    made = make(name, SECONDS)
    near = [float(min(made.times_s - time_s, key=abs)) for time_s in tracked(made).times_s]
    assert abs(float(np.median(near))) < 0.005


@pytest.mark.parametrize(("name", "slow", "fast"), [("ramp_100_140", 100, 140), ("jump_100_150", 100, 150)])
def test_superflux_follows_a_changing_tempo(name: str, slow: float, fast: float) -> None:
    made = make(name, 48.0)
    beats = tracked(made)
    assert found_share(made, beats) > 0.94
    assert beats.tempi_bpm[2] == pytest.approx(slow, rel=0.06)
    assert beats.tempi_bpm[-3] == pytest.approx(fast, rel=0.06)


@pytest.mark.parametrize("name", ["noise", "pads"])
def test_superflux_invents_no_beat_where_there_is_none(name: str) -> None:
    made = make(name, SECONDS)
    beats = tracked(made)
    assert (beats.times_s, beats.tempo_bpm, beats.confidence) == ((), 0.0, 0.0)
    assert [(part.start_s, part.end_s, part.tempo_bpm) for part in beats.stretches] == [(0.0, SECONDS, 0.0)]


def test_superflux_begins_where_the_drums_begin() -> None:
    """6 s: a pulse is felt over some seconds."""
    made = make("late_drums_110", 48.0)
    beats = tracked(made)
    quiet, drums = beats.stretches
    assert (quiet.tempo_bpm, quiet.confidence) == (0.0, 0.0)
    assert drums.tempo_bpm == pytest.approx(110, rel=0.02)
    assert abs(drums.start_s - made.times_s[0]) < 6
    assert min(beats.times_s) >= drums.start_s


def test_superflux_keeps_to_the_tempo_that_it_is_told() -> None:
    assert tracked(make("pop_105", SECONDS), Hints(tempo_range_bpm=(180, 220))).tempo_bpm == pytest.approx(
        210, rel=0.03
    )


def test_superflux_counts_bars_as_it_is_told() -> None:
    beats = tracked(make("pop_105", SECONDS), Hints(meter="3/4"))
    assert beats.meter == "3/4"
    assert all(b == a % 3 + 1 for a, b in itertools.pairwise(beats.bar_position))


def test_superflux_hears_the_same_at_every_sample_rate() -> None:
    """5 ms: the window is as long in seconds, to a sample."""
    full, half = (Superflux().track(click_track(118, 0.37, 12, rate), rate, Hints()) for rate in (44100, 22050))
    assert full.times_s == pytest.approx(half.times_s, abs=0.005)


def test_superflux_covers_the_song_with_stretches() -> None:
    beats = tracked(make("breakdown_122", 48.0))
    edges = [edge for part in beats.stretches for edge in (part.start_s, part.end_s)]
    assert (edges[0], edges[-1]) == (0.0, 48.0)
    assert edges[1:-1:2] == edges[2:-1:2]


def test_superflux_refuses_tempi_in_the_wrong_order() -> None:
    with pytest.raises(ValueError, match="slowest_bpm must be below fastest_bpm"):
        dataclasses.replace(Superflux(), slowest_bpm=150, fastest_bpm=120)
