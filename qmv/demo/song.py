"""The demo song as a score: what each instrument plays in each bar, and so where every beat is."""

from __future__ import annotations

import os
from functools import cache
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from qmv.demo.instruments import Desk, Sound

TITLE = "Royal Road, Late Train"
ARTIST = "QMV"
RATE_HZ = 44100
TEMPO_BPM = 118.4
FIRST_BEAT_S = 0.37
DURATION_S = 49.2

# A bass note, then the voicing of the electric piano and the pad.
CHORDS = {
    "Dm9": "D2  F3 A3 C4 E4",
    "Gm9": "G1  F3 A3 Bb3 D4",
    "Bbmaj9": "Bb1  F3 A3 C4 D4",
    "C9sus": "C2  F3 G3 Bb3 D4",
    "C6/9": "C2  E3 G3 A3 D4",
    "Am7": "A1  E3 G3 C4 E4",
    "A7": "A1  G3 A3 C#4 E4",
    "Fmaj9": "F1  E3 G3 A3 C4 G4",
}

# A section and its chords, one a bar; below it what each part plays, in sixteenths, `|` between bars.
# A part starts again when it runs out of bars. `.` rests, `-` holds; `X` `x` `o` strike loud, medium and
# soft; `R` `5` `8` are the chord's root, fifth and octave; `pad` is its level and its low-pass in Hz.
SCORE = """
intro: Dm9 Bbmaj9
  pad    0.50 700
  hat    x...x...x...x.o.
  snare  ................ | ............o.xx
  keys   x-----x---------
  pluck  D5 . . A4 . . C5 . . . E5 . . . C5 . | D5 . . A4 . . C5 . . . F4 . A4 . C5 .

verse: Dm9 Gm9 Bbmaj9 C9sus Dm9 Gm9 Bbmaj9 A7
  pad    0.60 1500
  kick   X.....o.X....... | X.....o.X.o.....
  snare  ....X.......X... | ....X.......X..o
  hat    x.o.x.oox.o.x.o. | x.o.x.o.x.oox.o.
  bass   R---..R-..5-8-.. | R---..R-R-..5-8-
  keys   x--x----..x----- | x--x------x-..o-
  pluck  . . . . . . A4 . C5 . . D5 . . . . | . . . . . . D5 . C5 . . A4 . . . .
  pluck  . . . . . . A4 . C5 . . F5 . . . . | . . . . . . D5 . C5 . . G4 . . A4 .
  pluck  . . . . . . A4 . C5 . . D5 . . E5 . | . . . . . . D5 . C5 . . A4 . . . .
  pluck  . . . . . . A4 . C5 . . F5 . . A5 . | . . . . . . G5 . E5 . . C#5 . . A4 .

lift: Gm9 C9sus
  pad    0.70 2400
  kick   X...X...X...X... | X...X...X.......
  snare  ....o.......o... | x...x...x.x.xxXX
  hat    x.x.x.x.x.x.x.x.
  riser  x--------------- | ----------------
  bass   R-R-R-R-R-R-R-R-
  keys   x--x--x---x-----
  pluck  D5 . F5 . A5 . F5 . D5 . F5 . A5 . F5 . | D5 . G5 . A5 . G5 . D5 . G5 . A5 . C6 .

chorus: Bbmaj9 C6/9 Am7 Dm9 Bbmaj9 C6/9 A7 Dm9
  pad    0.80 3600
  kick   X...X...X...X... | X...X...X...X.o.
  snare  ....X.......X... | ....X.......X..o
  clap   ....X.......X...
  hat    x.ooxo.ox.ooxo.o
  open   ..x...x...x...x.
  crash  X............... | ................ | ................ | ................
  bass   R-.R8-.RR-.R8-5- | R-.R8-.RR-R-8-5-
  keys   X--x--x-..x--x--
  lead   D5 - - C5 - - A4 - - - F4 - G4 - A4 - | A4 - - G4 - - E4 - - - . . G4 - A4 -
  lead   C5 - - D5 - - E5 - - - D5 - C5 - G4 - | A4 - - - - - . . . . F4 - A4 - C5 -
  lead   D5 - - C5 - - A4 - - - F4 - G4 - A4 - | G4 - - A4 - - D5 - - - . . C5 - D5 -
  lead   C#5 - - E5 - - G5 - - - F5 - E5 - C#5 - | D5 - - - - - - - . . A4 - C5 - A4 -
  pluck  . . D5 . . . . D5 . . . . A5 . . . | . . D5 . . . . D5 . . . . G5 . . .
  pluck  . . E5 . . . . E5 . . . . G5 . . . | . . D5 . . . . D5 . . . . A5 . . .
  pluck  . . D5 . . . . D5 . . . . A5 . . . | . . D5 . . . . D5 . . . . G5 . . .
  pluck  . . E5 . . . . E5 . . . . A5 . . . | . . F5 . . . . D5 . . . . A5 . . .

outro: Bbmaj9 C9sus
  pad    0.80 1200
  kick   X.......X.......
  snare  ....x.......x... | ....x.........oo
  hat    x.o.x.o.x.o.x.o.
  bass   R---..R-..5-8-.. | R---..R-R---8---
  keys   x--x----..x----- | x--x------x-----
  lead   D5 - - - - - C5 - - - A4 - - - C5 - | D5 - - - - - C5 - - - G4 - - - - -

end: Fmaj9 Fmaj9
  pad    0.60 900
  kick   X............... | ................
  crash  o............... | ................
  bass   R--------------- | ----------------
  keys   x--------------- | ----------------
  pluck  A4 . . . C5 . . . E5 . . . G5 . . . | A5 . . . . . . . . . . . . . . .
"""

_STEP_S = 60 / TEMPO_BPM / 4
_SWING = 0.16  # how far every second sixteenth comes late, in sixteenths
_STRENGTH = {"X": 1.0, "x": 0.72, "o": 0.42}
_LEVEL = {"kick": 0.66, "snare": 0.40, "clap": 0.30, "hat": 0.30, "open": 0.30, "crash": 0.26, "riser": 0.28}
_LEVEL |= {"bass": 0.21, "keys": 0.098, "pad": 0.038, "pluck": 0.19, "lead": 0.13}
_BUS = {"bass": "bass", "keys": "keys", "lead": "lead", "pluck": "lead"}
_PAN = {"hat": 0.25, "open": -0.25, "pluck": -0.30}
_DRIVE = 0.69
_DITHER_SEED = 118


class Note(NamedTuple):
    """A note of one part, in the score's own grid."""

    part: str
    step: int  # in sixteenths from the first beat
    length: int  # for how many of them it is held
    symbol: str
    chord: str


class Section(NamedTuple):
    """A stretch of bars with the same players."""

    name: str
    first_bar: int
    chords: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]  # what happens in each sixteenth, over all the section's bars
    pad: tuple[float, float]


@cache
def sections() -> tuple[Section, ...]:
    """The score, read: each section with its parts written out to its full length."""
    found: list[Section] = []
    for block in SCORE.strip().split("\n\n"):
        head, *lines = block.splitlines()
        name, chords = head.split(":")
        written: dict[str, list[str]] = {}
        for part, text in (line.split(maxsplit=1) for line in lines):
            bars = [bar.split() if " " in bar.strip() else list(bar.strip()) for bar in text.split("|")]
            written.setdefault(part, []).extend(step for bar in bars for step in bar)
        level, cutoff_hz = written.pop("pad")
        steps = 16 * len(chords.split())
        parts = {part: tuple((line * steps)[:steps]) for part, line in written.items()}
        first_bar = found[-1].first_bar + len(found[-1].chords) if found else 0
        found.append(Section(name, first_bar, tuple(chords.split()), parts, (float(level), float(cutoff_hz))))
    return tuple(found)


def beat_times_s() -> tuple[float, ...]:
    """Every beat up to the last chord's, which rings on with no pulse under it."""
    return tuple(FIRST_BEAT_S + beat * 4 * _STEP_S for beat in range(4 * sections()[-1].first_bar + 1))


def bar_positions() -> tuple[int, ...]:
    return tuple(beat % 4 + 1 for beat in range(len(beat_times_s())))


def compose() -> npt.NDArray[np.float32]:
    """The mixed song, [2, samples] in -1..1: the same bytes every time on one machine."""
    from qmv.demo.instruments import Desk

    desk = Desk(DURATION_S)
    kicks_s: list[float] = []
    for section in sections():
        for note in _notes(section):
            if note.part == "kick":
                kicks_s.append(_at_s(note.step))
            gain = _LEVEL[note.part] * _STRENGTH.get(note.symbol, 1.0)
            bus, pan = _BUS.get(note.part, "drums"), _PAN.get(note.part, 0.0)
            desk.play(bus, _at_s(note.step), desk.take(*_voice(note)), gain, pan)
        _play_pad(desk, section)
    return desk.record(kicks_s, echo_s=3 * _STEP_S, drive=_DRIVE)


def write(path: Path) -> None:
    """The song as a 16-bit FLAC with its title and artist; `path` appears only when the file is whole.

    Raises OSError where it cannot be written.
    """
    import io

    import numpy as np
    import soundfile

    song = compose()
    rng = np.random.Generator(np.random.PCG64(_DITHER_SEED))
    dither = rng.random(song.shape) - rng.random(song.shape)  # triangular, one step either way
    pcm = np.clip(np.rint(song * 32767.0 + dither), -32768, 32767).astype(np.int16)
    flac = io.BytesIO()  # soundfile does not say that a disk is full
    with soundfile.SoundFile(flac, "w", RATE_HZ, 2, "PCM_16", format="FLAC") as file:
        file.title, file.artist = TITLE, ARTIST
        file.write(pcm.T)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(flac.getvalue())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _at_s(step: int) -> float:
    return FIRST_BEAT_S + (step + _SWING * (step % 2)) * _STEP_S


def _notes(section: Section) -> Iterator[Note]:
    for part, line in section.parts.items():
        for step, symbol in enumerate(line):
            if symbol not in ".-":
                held = len(tuple(takewhile("-".__eq__, line[step + 1 :])))
                at, chord = 16 * section.first_bar + step, section.chords[step // 16]
                yield Note(part, at, 1 + held, symbol, chord)


def _voice(note: Note) -> tuple[Callable[..., Sound], *tuple[object, ...]]:
    """Which instrument plays the note, and what it needs to know of it."""
    from qmv.demo import instruments as band

    duration_s = note.length * _STEP_S
    voice: tuple[Callable[..., Sound], *tuple[object, ...]]
    match note.part:
        case "hat" | "open":
            voice = band.hat, note.step * 7 % 5, 0.022 if note.part == "hat" else 0.085
        case "riser":
            voice = band.riser, duration_s
        case "bass":
            root_hz = _hz(CHORDS[note.chord].split()[0])
            voice = band.bass, root_hz * {"R": 1.0, "5": 1.5, "8": 2.0}[note.symbol], duration_s
        case "keys":
            voice = band.electric_piano, _voicing_hz(note.chord), duration_s
        case "lead":
            voice = band.lead, _hz(note.symbol), duration_s
        case "pluck":
            voice = band.pluck, _hz(note.symbol)
        case drum:
            drums = {"kick": band.kick, "snare": band.snare, "clap": band.clap, "crash": band.crash}
            voice = (drums[drum],)
    return voice


def _play_pad(desk: Desk, section: Section) -> None:
    """One long note for as long as the chord stays."""
    from qmv.demo import instruments as band

    level, cutoff_hz = section.pad
    step = 16 * section.first_bar
    for chord, bars in groupby(section.chords):
        length = 16 * len(tuple(bars))
        sound = desk.take(band.pad, _voicing_hz(chord), length * _STEP_S, cutoff_hz)
        desk.play("pad", _at_s(step), sound, level * _LEVEL["pad"])
        step += length


def _voicing_hz(chord: str) -> tuple[float, ...]:
    return tuple(map(_hz, CHORDS[chord].split()[1:]))


def _hz(note: str) -> float:
    semitones = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}[note[0]]
    semitones += note.count("#") - note.count("b")
    return float(440 * 2 ** (semitones / 12 + int(note[-1]) - 4))
