"""What the made songs' players play: scores of a bar or two in each style, read into notes.

A score's head names the style, the steps in a beat and the beats in a bar. In its lines, `X` `x` `o` strike loud,
medium and soft, `.` rests, `-` holds; `R` `3` `5` `7` `8` are tones of the chord in the bass, `1` to `6` those above
it, `m` is a tone of the song's own choice; `|` parts bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

__all__ = ["CHORDS", "DRUMS", "LEVEL", "PROGRESSIONS", "STRENGTH", "Score", "scores"]

DRUMS = frozenset(("kick", "snare", "clap", "hat", "open", "ride", "rim", "shaker", "crash"))
STRENGTH = {"X": 1.0, "x": 0.72, "o": 0.42}
LEVEL = {
    "kick": 0.80, "snare": 0.45, "clap": 0.40, "hat": 0.25, "open": 0.28, "ride": 0.20, "rim": 0.35, "shaker": 0.22,
    "crash": 0.22, "bass": 0.24, "keys": 0.07, "pad": 0.022, "pluck": 0.17, "lead": 0.12, "piano": 0.13,
    "guitar": 0.06, "skank": 0.10, "bow": 0.06,
}  # fmt: skip

# In semitones above the chord's root: the bass plays from the first three, the others from all.
CHORDS = {"maj": (0, 4, 7, 11, 12, 16), "min": (0, 3, 7, 10, 12, 15), "dom": (0, 4, 7, 10, 12, 16)}
PROGRESSIONS = (
    "0maj 7maj 9min 5maj", "9min 5maj 0maj 7maj", "2min 7dom 0maj 9min", "0maj 9min 5maj 7dom",
    "9min 7maj 5maj 4dom", "0maj 4min 5maj 5min", "2min 2min 5maj 7dom",
)  # fmt: skip

_SCORES = """
rock 4 4
  kick   X.......X.o..... | X.....o.X..o....
  snare  ....X.......X... | ....X.......X...
  hat    x.o.x.o.x.o.x.o.
  bass   R-R-R-R-R-R-R-5-
  guitar X-----x---x-----
  lead   m---..m-m---....

punk 4 4
  kick   X.....X.X.....X. | X.....X.X.X.....
  snare  ....X.......X...
  open   x...x...x...x...
  bass   R-R-R-R-R-R-R-R-
  guitar X-x-x-x-X-x-x-x-

house 4 4
  kick   X...X...X...X...
  clap   ....X.......X...
  open   ..x...x...x...x.
  hat    o.o.o.o.o.o.o.oo
  bass   ..R-..R-..R-..8-
  keys   ...x--x....x--x.
  pad    x---------------
  pluck  1.3.5.3.4.3.5.3.

ballad 4 4
  piano  1-3-4-3-5-4-3-4-
  bass   R-------5-------
  bow    ........m------- | m-------m-------

pop 4 4
  kick   X.....x.X....... | X.....x.X.x.....
  rim    ....X.......X...
  shaker x.o.x.o.x.o.x.o.
  bass   R-----R-5---8---
  keys   x--x--x---x-----
  pluck  ..1...3...5.4...
  pad    x---------------

jungle 4 4
  kick   X.........X..... | X.X.......X.....
  snare  ....X..o.o..X..o | ....X..o.o....X.
  hat    x.x.x.x.x.xxx.x.
  bass   R------...R-5--. | R------...8-R--.
  pad    x---------------

funk 4 4
  kick   X..x......x..x.. | X..x..x...x.....
  snare  ....X..o.o..X..o | ....X..o.o..X.oo
  hat    xoxoxoxoxoxoxoxo
  bass   R..8.RR..R.5..8. | R..8.RR..5.7..R.
  skank  ..x.x..x..x.x..x
  keys   ......x-.......x

strings 4 4
  bow    1-------4------- | 3-----------2---
  bow    5---------------
  bow    m---m---m-------
  bass   R---------------

swing 3 4
  ride   x..x.xx..x.x
  hat    ...x.....x..
  kick   o..o..o..o..
  snare  ......o....o | ........o...
  bass   R--3--5--7-- | R--5--8--3--
  piano  ..x......x.. | .....x......

waltz 4 3
  kick   X...........
  snare  ....o...o...
  ride   x...x.o.x...
  bass   R-----------
  piano  ....x---x---
  bow    m-------m--- | m-----------

five 4 5
  kick   X.....x.....X.......
  snare  ........X.......X...
  ride   x...x.x.x...x...x.x.
  bass   R-----5-8---R---5---
  keys   x-----x-....x---x---

seven 4 7
  kick   X.......X.......X.......X...
  snare  ....X.......X.......X.......
  hat    x.o.x.o.x.o.x.o.x.o.x.o.x.o.
  bass   R---R---5---8---R---5-------
  guitar X-------x-------X-------x---

sixeight 6 2
  kick   X.....o.....
  snare  ......X.....
  hat    x.o.o.x.o.o.
  bass   R-----5-..8-
  piano  1-3-5-4-5-3-
  bow    m-----------

onedrop 4 4
  kick   ........X.......
  rim    ........X.......
  hat    o.x.o.x.o.x.o.xo
  skank  ..x...x...x...x.
  keys   ..o...o...o...o.
  bass   ..R-5-R-..8-5-.. | ..R-R-5-..R-....

halftime 4 4
  kick   X.........x..... | X..x..........x.
  snare  ........X.......
  hat    x.x.x.xxx.x.x.x.
  bass   R---------------| R-----------8---
  pad    x---------------
  pluck  m...m...m...m...

doubletime 4 4
  kick   X...X...X...X...
  snare  ..X...X...X...X.
  hat    x.x.x.x.x.x.x.x.
  bass   R-R-R-R-R-R-5-8-
  guitar X---------------
  lead   m-------m---m---

march 4 4
  kick   X...o...X...o...
  snare  o.xxX.o.o.xxX.oo
  bass   R---5---R---5---
  piano  ..x...x...x...x.
  lead   m---m---m-m-m---
"""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A style: each line is a part and what it plays in each step of its bars."""

    steps: int  # in a beat
    beats: int  # in a bar
    lines: tuple[tuple[str, tuple[str, ...]], ...]


@cache
def scores() -> dict[str, Score]:
    """Every style by its name; raises ValueError where a bar has not the steps that its head says."""
    found = {}
    for block in _SCORES.strip().split("\n\n"):
        head, *lines = block.splitlines()
        name, steps, beats = head.split()
        parts = []
        for part, text in (line.split(maxsplit=1) for line in lines):
            bars = tuple(bar.replace(" ", "") for bar in text.split("|"))
            if {len(bar) for bar in bars} != {int(steps) * int(beats)}:
                raise ValueError(f"{name}: {part} does not fill its bars: {text}")
            parts.append((part, bars))
        found[name] = Score(steps=int(steps), beats=int(beats), lines=tuple(parts))
    return found
