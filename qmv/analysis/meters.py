"""What a listener expects to hear where in the bar: the accents of meters, and how beats are divided.

Each kind of moment has an expectation for six features: the onsets of the five bands (kick and bass, low notes, high
notes, snare, hats) and the change of harmony, in standard deviations above their mean in the song. They are set by
what music theory and counts of notes agree on (Lerdahl & Jackendoff 1983; Palmer & Krumhansl 1990; Temperley 2007),
the stronger the metrical level, and in popular music bass on one and three, snare on two and four. The numbers are
set by hand and rounded, after trials on made and MIDI-rendered songs (docs/benchmarks.md says which).
May be imported from stages and plugins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

__all__ = ["ACCENTS", "METERS", "TRIPLE", "WAYS", "Division", "Meter", "Way", "accents", "expected_fit", "standardised"]

_WEIGHTS = (1.0, 0.7, 0.7, 1.0, 0.8, 1.0)  # notes spread over two bands, and hats sound on everything
_SHARE = 0.5  # the six features tell much of the same, so together they count as half of six
_SURROUNDINGS = 601  # frames: 12 s, over which a feature's mean and deviation are taken

ACCENTS: dict[str, tuple[float, ...]] = {
    "downbeat": (1.6, 1.2, 1.2, 0.5, 0.8, 1.6),
    "backbeat": (0.0, 0.6, 0.7, 1.4, 0.8, -0.1),
    "middle": (0.9, 0.9, 0.9, 0.4, 0.8, 0.5),  # the third of four
    "weak": (0.0, 0.6, 0.8, 0.7, 0.8, 0.0),
    "division": (0.1, 0.4, 0.4, 0.3, 0.6, -0.2),  # half of a beat, or a third in 6/8
    "subdivision": (-0.1, 0.1, 0.1, 0.0, 0.2, -0.7),
    "between": (-0.3, -0.6, -0.6, -0.4, -0.6, -0.2),  # half of a beat that is divided by three
}


@dataclass(frozen=True, order=True)
class Way:
    """A way to divide a beat: what is expected at which part of it; `cost` in natural logarithm."""

    parts: tuple[tuple[float, str], ...]
    cost: float = 0.0

    def moments(self, frames: int, quick_frames: float) -> list[tuple[str, int]]:
        """(accent, frames after the beat) for a beat so long; quarters quicker than `quick_frames` are not played."""
        quick = frames < 4 * quick_frames
        return [(accent, round(part * frames)) for part, accent in self.parts if not (quick and part in (0.25, 0.75))]


Division = tuple[Way, ...]

_STRAIGHT = Way(((0.5, "division"), (0.25, "subdivision"), (0.75, "subdivision")))
_SWUNG = Way(((2 / 3, "division"), (1 / 3, "subdivision"), (0.5, "between")), cost=-0.7)
TRIPLE = Way(((1 / 3, "division"), (2 / 3, "division"), (0.5, "between")), cost=-0.4)
WAYS = (_STRAIGHT, _SWUNG, TRIPLE)


@dataclass(frozen=True)
class Meter:
    """`beats` of a bar by accent. `share` is how common the meter is, of all music."""

    name: str
    accents: tuple[str, ...]
    division: Division
    share: float


METERS = (
    Meter("4/4", ("downbeat", "backbeat", "middle", "backbeat"), (_STRAIGHT, _SWUNG), 0.8),
    Meter("3/4", ("downbeat", "weak", "weak"), (_STRAIGHT, _SWUNG), 0.1),
    Meter("6/8", ("downbeat", "middle"), (TRIPLE,), 0.07),
)


def standardised(features: Floats) -> Floats:
    """[n, 6] in deviations from the mean of the 12 s around; a feature that hardly changes in them stays small."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d

    floors = (0.3 * features.std(axis=0, dtype=np.float64)) ** 2
    found = np.empty(features.shape, np.float32)
    for column, floor in enumerate(floors):  # one at a time, since they are in double precision
        values = features[:, column].astype(np.float64)
        mean = uniform_filter1d(values, _SURROUNDINGS)
        variance = uniform_filter1d(values * values, _SURROUNDINGS) - mean * mean
        found[:, column] = (values - mean) / np.sqrt(np.maximum(variance, floor) + 1e-4)
    return found


def accents(features: Floats) -> dict[str, Floats]:
    """How much better each standardised frame fits each kind of accent than a moment without one, as a logarithm.

    With features of deviation 1 around the expectation d, against the same around 0, that is z d - d^2 / 2.
    """
    import numpy as np

    weights = np.array(_WEIGHTS, np.float32) * _SHARE
    table = {kind: np.array(expected, np.float32) for kind, expected in ACCENTS.items()}
    return {
        kind: np.asarray(((features * expected - expected**2 / 2) * weights).sum(axis=1), np.float32)
        for kind, expected in table.items()
    }


def expected_fit(meter: Meter) -> float:
    """What a beat of the meter would fit on average if all that is expected of it and of its division were heard."""
    import numpy as np

    weights = np.array(_WEIGHTS) * _SHARE / 2
    table = {kind: float((weights * np.array(expected) ** 2).sum()) for kind, expected in ACCENTS.items()}
    return float(np.mean([table[accent] for accent in meter.accents])) + table["division"]
