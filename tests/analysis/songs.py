"""Songs made of sections whose chords, instrument, loudness and drums are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qmv.artifacts import Beats

RATE_HZ = 22050
OVERTONES = {"soft": (1, 0.2), "bright": tuple(1 / k for k in range(1, 12)), "organ": (1, 0.8, 0.6, 0, 0.4)}
CHORDS = {
    "Am": (57, 60, 64), "F": (53, 57, 60), "C": (48, 52, 55), "G": (55, 59, 62),
    "Dm": (50, 53, 57), "E": (52, 56, 59), "Bb": (58, 62, 65), "Eb": (51, 55, 58),
}  # fmt: skip


class Part(NamedTuple):
    """How a section sounds."""

    chords: str = "Am F C G"
    instrument: str = "soft"
    level: float = 0.6
    drums: float = 0.5


class Made(NamedTuple):
    """A song, and what is true of it."""

    samples: npt.NDArray[np.float32]
    beats: Beats
    starts_s: tuple[float, ...]
    labels: str


def made(plan: str, parts: dict[str, Part], *, bpm: float = 120, meter: int = 4, bars: int = 8) -> Made:
    """A section of `bars` bars for each letter of the plan, after a lead-in of 0.3 s."""
    beat_s, rng = 60 / bpm, np.random.default_rng(0)
    duration_s = 0.3 + len(plan) * bars * meter * beat_s + 0.4
    samples = 1e-4 * rng.standard_normal(round(duration_s * RATE_HZ))
    times = [0.3 + number * beat_s for number in range(len(plan) * bars * meter)]
    for number, start_s in enumerate(times):
        part = parts[plan[number // (bars * meter)]]
        chord = part.chords.split()[number // meter % len(part.chords.split())]
        first, count = round(start_s * RATE_HZ), round(beat_s * RATE_HZ)
        sound = sum(_tones(CHORDS[chord], part.instrument, count)) * (1 + 0.1 * rng.standard_normal())
        sound += part.drums * rng.standard_normal(count) * np.exp(-np.arange(count) / RATE_HZ * 40)
        samples[first : first + count] += 0.2 * part.level * sound[: len(samples) - first]
    beats = Beats(
        times_s=tuple(times),
        bar_position=tuple(number % meter + 1 for number in range(len(times))),
        tempo_bpm=bpm,
        confidence=1.0,
        duration_s=Fraction(len(samples), RATE_HZ),
    )
    return Made(samples.astype(np.float32), beats, tuple(times[:: bars * meter]), plan)


def _tones(notes: tuple[int, ...], instrument: str, count: int) -> Iterator[npt.NDArray[np.float64]]:
    t = np.arange(count) / RATE_HZ
    for note in notes:
        hz = 440 * 2 ** ((note - 69) / 12)
        for number, strength in enumerate(OVERTONES[instrument], 1):
            yield 0.3 * strength * np.sin(math.tau * number * hz * t) * np.exp(-1.5 * t)
