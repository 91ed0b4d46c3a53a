"""The states of the bar pointer model, and what it costs to be in one and to go from one to the next.

A state is a place in a bar of some meter, at which a beat begins, and the tempo that the beat is taken at. May be
imported from `qmv.analysis` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qmv.analysis.meters import Division, Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

__all__ = ["FRAMES_HZ", "NEVER", "REACH", "Model", "best_way", "divided", "model_of"]

FRAMES_HZ = 50
NEVER = -1e9
REACH = 2  # steps of tempo from a beat to the next
_TEMPO_STEP = 0.04  # between neighbouring tempi, as a ratio
_TEMPO_CHANGE = 60.0  # how unlikely a tempo becomes with its distance to the last beat's, in natural logarithm
_JITTER_FRAMES = 0.8  # how unevenly a beat is played and heard, and its part of the beat's length
_JITTER_SHARE = 0.015
_QUICK_FRAMES = 5.0  # 100 ms: quarters of a beat that are quicker are rarely played


class Model(NamedTuple):
    """P places in a bar, J tempi, O lengths of a beat."""

    places: list[tuple[Meter, int]]
    divisions: list[Division]
    kinds: npt.NDArray[np.int64]  # [P]: which of the divisions
    before: npt.NDArray[np.int64]  # [P]
    firsts: npt.NDArray[np.int64]  # [meters]
    lasts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]  # [O, J] in frames
    length_cost: Floats  # [O, J]
    tempo_cost: Floats  # [2 * REACH + 1]
    start_cost: Floats  # [P]


def model_of(meters: Sequence[Meter], slowest_bpm: float, fastest_bpm: float) -> Model:
    """Tempi between two, evenly on a logarithmic scale, and the places of all bars."""
    import numpy as np

    count = max(1, round(np.log(fastest_bpm / slowest_bpm) / np.log1p(_TEMPO_STEP))) + 1
    periods = 60 * FRAMES_HZ / np.geomspace(fastest_bpm, slowest_bpm, count)
    lengths = np.round(periods).astype(np.int64) + np.array([[0], [-1], [1]])
    spread = _JITTER_FRAMES + _JITTER_SHARE * periods
    steps = np.abs(np.arange(-REACH, REACH + 1)) * np.log1p(_TEMPO_STEP)
    chance = np.exp(-_TEMPO_CHANGE * steps)
    places = [(meter, beat) for meter in meters for beat in range(len(meter.accents))]
    divisions = list(dict.fromkeys(meter.division for meter in meters))
    starts = np.cumsum([0, *(len(meter.accents) for meter in meters)])
    first = np.repeat(starts[:-1], [len(meter.accents) for meter in meters])
    size = np.array([len(meter.accents) for meter, _ in places])
    share = np.array([meter.share for meter, _ in places])
    return Model(
        places=places,
        divisions=divisions,
        kinds=np.array([divisions.index(meter.division) for meter, _ in places]),
        before=first + (np.arange(len(places)) - first - 1) % size,
        firsts=starts[:-1],
        lasts=starts[1:] - 1,
        lengths=lengths,
        length_cost=(-0.5 * ((lengths - periods) / spread) ** 2 - np.log(spread)).astype(np.float32),
        tempo_cost=np.log(chance / chance.sum()).astype(np.float32),
        start_cost=(np.log(share / size) - np.log(count)).astype(np.float32),
    )


def divided(padded: Mapping[str, Floats], model: Model, first: int, count: int) -> Floats:
    """[count, kinds, lengths]: how well the music fits the best way to divide a beat that starts so and is so long."""
    import numpy as np

    lengths = range(int(model.lengths.min()), int(model.lengths.max()) + 1)
    out = np.empty((count, len(model.divisions), len(lengths)), np.float32)
    for kind, division in enumerate(model.divisions):
        for column, length in enumerate(lengths):
            out[:, kind, column] = best_way(padded, division, length, slice(first, first + count))
    return out


def best_way(
    padded: Mapping[str, Floats], division: Division, length: int, starts: slice | npt.NDArray[np.int64]
) -> Floats:
    """How well the music fits the best of the ways to divide beats of one length that start at these frames."""
    import numpy as np

    best: Any = np.float32(NEVER)
    for way in division:
        fit: Any = np.float32(way.cost)
        for accent, at in way.moments(length, _QUICK_FRAMES):
            later = slice(starts.start + at, starts.stop + at) if isinstance(starts, slice) else starts + at
            fit = fit + padded[accent][later]
        best = np.maximum(best, fit)
    return np.asarray(best, np.float32)
