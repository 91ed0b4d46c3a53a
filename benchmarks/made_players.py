"""The players of the made songs: a score read into notes, with fills, pauses and chords of the players' own choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.made_scores import CHORDS, DRUMS, LEVEL, PROGRESSIONS, STRENGTH, Score

__all__ = ["Song", "notes"]

_BASS_STEPS = {"R": 0, "3": 1, "5": 2, "7": 3, "8": 4}


@dataclass(frozen=True, kw_only=True)
class Song:
    """What to make. `bpm` has (share of the song, tempo) knots; between two of one share the tempo jumps, at a bar."""

    style: str
    bpm: tuple[tuple[float, float], ...]
    seed: int
    pickup: int = 0  # beats before the first downbeat
    free_s: float = 0.0  # pads without a pulse before it
    jitter_s: float = 0.0  # of each note; the tempo drifts then
    fade_s: float = 0.0
    breakdown: tuple[float, float] = (1.0, 1.0)  # from and to which share no drum plays


def notes(
    song: Song, score: Score, bars: int, rng: np.random.Generator
) -> Iterator[tuple[str, float, float, float, int]]:
    """(part, beat that it starts at, beats that it lasts, level, MIDI note or 0), counted from the first downbeat."""
    key = int(rng.integers(-5, 6))
    chords = PROGRESSIONS[int(rng.integers(len(PROGRESSIONS)))].split()
    levels = {part: LEVEL[part] * rng.uniform(0.75, 1.2) for part in LEVEL}
    yield from ((part, *_last(part, bars * score.beats, levels[part], key)) for part, _ in score.lines)
    for bar in range(-1 if song.pickup else 0, bars):
        chord = chords[bar % len(chords)]
        root, tones = int(chord[:-3]) + key, CHORDS[chord[-3:]]
        skipped = _skipped(song, score, bar, bars, rng)
        for part, lines in score.lines:
            line = _with_fill(part, lines[bar % len(lines)], bar, score)
            for step, symbol in enumerate(line):
                early = bar < 0 and step < (score.beats - song.pickup) * score.steps
                if symbol in ".-" or part in skipped or early:
                    continue
                held = len(line[step + 1 :]) - len(line[step + 1 :].lstrip("-"))
                at, length = bar * score.beats + step / score.steps, (1 + held) / score.steps
                gain = levels[part] * STRENGTH.get(symbol, 0.85) * rng.uniform(0.85, 1.0)
                for note in _chosen(part, symbol, root, tones, rng):
                    yield part, at, length, gain, note
        if bar > 0 and bar % 8 == 0 and _drummed(score) and "kick" not in skipped:
            yield "crash", bar * score.beats, 0.0, levels["crash"], 0


def _last(part: str, at: int, level: float, key: int) -> tuple[float, float, float, int]:
    """The last downbeat: everybody once, home."""
    return at, 2.0, level, 0 if part in DRUMS else (36 if part == "bass" else 60) + key


def _chosen(part: str, symbol: str, root: int, tones: tuple[int, ...], rng: np.random.Generator) -> list[int]:
    if part in DRUMS:
        return [0]
    if part == "bass":
        return [36 + root - 12 * (root > 6) + tones[_BASS_STEPS[symbol]]]
    above = 60 + root - 12 * (root > 4)
    if symbol == "m":
        return [above + 12 + tones[int(rng.integers(len(tones)))]]
    if symbol.isdigit():
        return [above + tones[int(symbol) - 1]]
    return [above - 12, above - 5, above] if part == "guitar" else [above + tone for tone in tones[:4]]


def _drummed(score: Score) -> bool:
    return any(part in ("snare", "rim") for part, _ in score.lines)


def _with_fill(part: str, line: str, bar: int, score: Score) -> str:
    """Every eighth bar ends in a roll; every fourth in two soft strokes more."""
    if part != "snare" or bar < 0 or bar % 4 != 3:
        return line
    return line[: -score.steps] + "oxxXoX"[-score.steps :] if bar % 8 == 7 else line[:-2] + "oo"


def _skipped(song: Song, score: Score, bar: int, bars: int, rng: np.random.Generator) -> set[str]:
    """Who pauses in this bar: one tune in the first bars, no drum and bass in a breakdown."""
    tunes = [part for part, _ in score.lines if part not in DRUMS and part != "bass"]
    paused = {tunes[bar // 4 % len(tunes)]} if len(tunes) > 1 and bar // 4 % 3 == 0 else set()
    if song.breakdown[0] <= bar / bars < song.breakdown[1]:
        paused = DRUMS | {"bass"}
    return paused
