"""The bar pointer on accents that are put where a meter expects them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.analysis.bar_pointer import FRAMES_HZ, follow
from qmv.analysis.meters import ACCENTS, METERS, Meter, accents

FOUR, THREE, SIX = METERS


def song_of(meter: Meter, bpm: float, beats: int = 40, first: float = 7.0) -> dict[str, np.ndarray]:
    """Just what the meter expects, at every beat and the parts of it, and nothing between."""
    period = 60 * FRAMES_HZ / bpm
    features = np.zeros((round(first + period * beats) + 20, 6), np.float32)
    for beat in range(beats):
        at = first + beat * period
        features[round(at)] = ACCENTS[meter.accents[beat % len(meter.accents)]]
        for part, accent in meter.division[0].parts:
            if accent == "division":
                features[round(at + part * period)] = ACCENTS[accent]
    return accents(features)


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.name)
@pytest.mark.parametrize("bpm", [63.0, 97.0, 141.0])
def test_follow_finds_every_beat_and_its_place(meter: Meter, bpm: float) -> None:
    """One frame: a beat may lie between two."""
    path = follow(song_of(meter, bpm), METERS, 0.8 * bpm, 1.2 * bpm)
    wanted = 7 + np.arange(41) * 60 * FRAMES_HZ / bpm  # and one more, where the song would go on
    near = np.abs(path.frames[:, None] - wanted).argmin(axis=1)
    assert np.abs(path.frames - wanted[near]).max() <= 1
    assert len(path.frames) >= 38
    assert all(
        found.name == meter.name and place == beat % len(meter.accents)
        for (found, place), beat in zip(path.places[2:-2], near[2:-2])
    )


def test_follow_keeps_the_tempo_between_whole_frames() -> None:
    """131.7 beats a minute are 22.78 frames: the mean must not be rounded to 22 or 23."""
    path = follow(song_of(FOUR, 131.7, beats=80), METERS, 100, 180)
    assert np.diff(path.frames).mean() == pytest.approx(60 * FRAMES_HZ / 131.7, abs=0.05)


def test_follow_fits_better_at_the_tempo_that_the_song_has() -> None:
    song = song_of(FOUR, 100)
    scores = {low: follow(song, METERS, low, 1.4 * low).score for low in (42.0, 60.0, 85.0, 125.0, 170.0)}
    assert max(scores, key=scores.__getitem__) == 85.0


def test_beats_that_are_as_expected_fit() -> None:
    path = follow(song_of(FOUR, 100), METERS, 80, 120)
    assert (path.fit[1:-2] > 0).all()


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(1, 300), seed=st.integers(0, 99), low=st.sampled_from([40.0, 80.0, 113.0]))
def test_follow_gives_beats_in_order_inside_any_song(frames: int, seed: int, low: float) -> None:
    features = np.random.default_rng(seed).standard_normal((frames, 6)).astype(np.float32)
    path = follow(accents(features), METERS, low, 1.9 * low)
    assert len(path.frames) == len(path.places) == len(path.fit) >= 1
    assert path.frames[0] >= 0
    assert path.frames[-1] < frames
    lengths = np.diff(path.frames) / FRAMES_HZ * low / 60  # 1 for the slowest beat
    assert ((lengths > 0.4) & (lengths < 1.1)).all()
