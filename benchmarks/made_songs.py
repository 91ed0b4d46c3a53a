"""Makes songs whose beats and bars are known exactly, to measure trackers on: NAME.flac and NAME.beats for each.

Styles, tempi, metres and difficulties vary, kits, keys, chords and levels with the seed; the same samples every time on
one machine. A line of a .beats file is a time in seconds, a tab, and the position in the bar (1 = downbeat); an empty
one says that there is no beat to hear. NAME.eighths.beats counts a song of dotted quarters in eighths.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.made_band import RATE_HZ, SOFT_S, Tape, pitch_hz
from benchmarks.made_players import Song, notes
from benchmarks.made_scores import Score, scores

__all__ = ["SONGS", "Made", "Song", "make", "write"]

_AFTER_LAST_BEAT_S = 1.5


def _steady(style: str, bpm: float, **more: float) -> Song:
    return Song(style=style, bpm=((0.0, bpm),), seed=round(bpm) * 31 + len(style), **more)  # type: ignore[arg-type]


def _jump(style: str, first: float, second: float) -> Song:
    return Song(style=style, bpm=((0.0, first), (0.5, first), (0.5, second), (1.0, second)), seed=round(first))


SONGS: dict[str, Song | None] = {
    "ballad_60": _steady("ballad", 60),
    "rock_75": _steady("rock", 75),
    "funk_90": _steady("funk", 90),
    "pop_105": _steady("pop", 105),
    "house_118": _steady("house", 118),
    "house_129": _steady("house", 129),
    "rock_140": _steady("rock", 140),
    "punk_160": _steady("punk", 160),
    "jungle_174": _steady("jungle", 174),
    "punk_200": _steady("punk", 200),
    "strings_72": _steady("strings", 72),
    "ballad_84": _steady("ballad", 84),
    "march_112": _steady("march", 112),
    "swing_132": _steady("swing", 132),
    "swing_190": _steady("swing", 190),
    "ramp_100_140": Song(style="rock", bpm=((0.0, 100), (1.0, 140)), seed=7),
    "jump_100_150": _jump("pop", 100, 150),
    "jump_150_100": _jump("rock", 150, 100),
    "human_112": _steady("rock", 112, jitter_s=0.010),
    "human_funk_96": _steady("funk", 96, jitter_s=0.010),
    "waltz_90": _steady("waltz", 90),
    "waltz_180": _steady("waltz", 180),
    "five_four_126": _steady("five", 126),
    "seven_four_138": _steady("seven", 138),
    "six_eight_60": _steady("sixeight", 60),
    "six_eight_96": _steady("sixeight", 96),
    "one_drop_76": _steady("onedrop", 76),
    "one_drop_144": _steady("onedrop", 144),
    "late_drums_110": _steady("rock", 110, free_s=20),
    "fade_124": _steady("house", 124, fade_s=8),
    "breakdown_122": Song(style="house", bpm=((0.0, 122),), seed=5, breakdown=(0.4, 0.65)),
    "pickup_104": _steady("pop", 104, pickup=1),
    "half_time_140": _steady("halftime", 140),
    "double_time_88": _steady("doubletime", 88),
    "noise": None,
    "pads": None,
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A song's samples, and the truth of it; `eighths` too where beats are dotted quarters."""

    samples: npt.NDArray[np.float32]
    times_s: npt.NDArray[np.float64]
    positions: npt.NDArray[np.int64]
    eighths: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None = None


def make(name: str, seconds: float) -> Made:
    """The song of that name, `seconds` long."""
    song = SONGS[name]
    if song is None:
        return _without_beats(name, seconds)
    score, rng = scores()[song.style], np.random.default_rng(song.seed)
    grid = _grid(song, score, seconds, rng)
    count = len(grid) - score.beats  # the last bar is for notes to end in
    tape = Tape(seconds, song.seed)
    if song.free_s:
        _drift(tape, 0.0, song.free_s - 1.0, rng)
    for part, at, length, gain, note in notes(song, score, (count - song.pickup) // score.beats, rng):
        start_s, end_s = np.interp([song.pickup + at, song.pickup + at + length], np.arange(len(grid)), grid)
        start_s += rng.normal(0, song.jitter_s) - (SOFT_S if part == "bow" else 0.0)
        tape.play(part, float(start_s), gain, pitch_hz(note) if note else 0.0, float(end_s - start_s) if note else 0.0)
    positions = (np.arange(count) - song.pickup) % score.beats + 1
    eighths = None
    if score.steps == 6:
        steps = np.arange(3 * count)
        eighths = np.interp(steps / 3, np.arange(len(grid)), grid), steps % (3 * score.beats) + 1
    samples = tape.record(float(rng.uniform(0.4, 1.2)), song.fade_s)
    return Made(samples=samples, times_s=grid[:count], positions=positions, eighths=eighths)


def _grid(song: Song, score: Score, seconds: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """When each beat is: whole bars and a last downbeat before the end, then one bar more."""
    shares, tempi = zip(*song.bpm)
    jumps = len(set(shares)) < len(shares)
    times, drift, bpm = [song.free_s + float(rng.uniform(0.25, 0.9))], 0.0, tempi[0]
    while times[-1] < seconds - _AFTER_LAST_BEAT_S:
        if not jumps or (len(times) - 1 - song.pickup) % score.beats == 0:
            bpm = float(np.interp(times[-1] / seconds, shares, tempi))
        drift = 0.97 * drift + rng.normal(0, 0.006) * (song.jitter_s > 0)
        times.append(times[-1] + 60 / bpm * (1 + drift))
    bars = (len(times) - 2 - song.pickup) // score.beats
    whole = times[: song.pickup + bars * score.beats + 1]
    step_s = whole[-1] - whole[-2]
    return np.array(whole + [whole[-1] + step_s * n for n in range(1, score.beats + 1)])


def _drift(tape: Tape, start_s: float, end_s: float, rng: np.random.Generator) -> None:
    """Pads that come and go when they like."""
    at_s = start_s
    while at_s < end_s - 2:
        length_s = min(float(rng.uniform(2.5, 6.0)), end_s - at_s)
        for tone in rng.choice((0, 3, 7, 10, 14), 3, replace=False):
            tape.play("pad", at_s, float(rng.uniform(0.02, 0.05)), pitch_hz(53 + int(tone)), length_s)
        at_s += float(rng.uniform(1.3, 3.7))


def _without_beats(name: str, seconds: float) -> Made:
    rng, tape = np.random.default_rng(len(name)), Tape(seconds, 1)
    _drift(tape, 0.0, seconds, rng)
    samples = tape.record(1.0, 2.0)
    if name == "noise":  # wind, that swells without a measure
        knots = np.arange(0, seconds + 2, 2)
        swell = np.interp(np.arange(samples.size) / RATE_HZ, knots, rng.uniform(0.1, 1, knots.size))
        samples = (0.1 * swell * rng.standard_normal(samples.size)).astype(np.float32).clip(-1, 1)
    return Made(samples=samples, times_s=np.array([]), positions=np.array([], np.int64))


def write(folder: Path, name: str, seconds: float) -> None:
    """Puts NAME.flac and NAME.beats into the folder."""
    import soundfile

    made = make(name, seconds)
    soundfile.write(folder / f"{name}.flac", made.samples, RATE_HZ, "PCM_16")
    _write_beats(folder / f"{name}.beats", made.times_s, made.positions)
    if made.eighths:
        _write_beats(folder / f"{name}.eighths.beats", *made.eighths)


def _write_beats(path: Path, times_s: npt.NDArray[np.float64], positions: npt.NDArray[np.int64]) -> None:
    lines = (f"{time_s:.6f}\t{position}\n" for time_s, position in zip(times_s, positions))
    path.write_text("".join(lines), encoding="utf-8")


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.made_songs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--out", type=Path, required=True, help="the folder to put them into")
    made.add_argument("--seconds", type=float, default=60, help="how long each is (60)")
    made.add_argument("--only", action="append", choices=SONGS, help="one song; may be repeated")
    options = made.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only or SONGS:
        write(options.out, name, options.seconds)
        print(options.out / f"{name}.flac")
    return 0


if __name__ == "__main__":
    sys.exit(main())
