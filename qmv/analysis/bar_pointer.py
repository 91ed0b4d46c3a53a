"""Follows beats and bars through a song's accents: the bar pointer model, decoded beat by beat.

A hidden state is the place in the bar at which a beat begins and the tempo that it is taken at (Whiteley, Cemgil &
Godsill 2006; Krebs, Böck & Widmer 2015). Since nothing but the beat's end changes the state, the best path is found
over beats instead of frames, as in a semi-Markov model: a few lengths a beat, and all frames up to the shortest beat
at once. That leaves the tempo free to lie between whole frames.
May be imported from stages and plugins.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from qmv.analysis.meters import Division, Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

__all__ = ["FRAMES_HZ", "Path", "follow"]

FRAMES_HZ = 50
_TEMPO_STEP = 0.04  # between neighbouring tempi, as a ratio
_TEMPO_CHANGE = 60.0  # how unlikely a tempo becomes with its distance to the last beat's, in natural logarithm
_JITTER_FRAMES = 0.8  # how unevenly a beat is played and heard, and its part of the beat's length
_JITTER_SHARE = 0.015
_METER_CHANGE = -9.0  # natural logarithm of how likely a bar is of another meter than the one before
_REACH = 2  # steps of tempo from a beat to the next
_QUICK_FRAMES = 5.0  # 100 ms: quarters of a beat that are quicker are rarely played
_NEVER = -1e9


class Path(NamedTuple):
    """The best way through a song: the frame of each beat, its meter and its place in the bar (from 0), and how well
    each fits, up to the next, in natural logarithm against a song without beats. `score` is that of the whole way.
    """

    frames: npt.NDArray[np.int64]
    places: tuple[tuple[Meter, int], ...]
    fit: Floats
    score: float

    @property
    def times_s(self) -> npt.NDArray[np.float64]:
        return self.frames / FRAMES_HZ


class _Model(NamedTuple):
    """The states and what it costs to go from one to the next. P places in a bar, J tempi, O lengths of a beat."""

    places: list[tuple[Meter, int]]
    divisions: list[Division]
    kinds: npt.NDArray[np.int64]  # [P]: which of the divisions
    before: npt.NDArray[np.int64]  # [P]
    firsts: npt.NDArray[np.int64]  # [meters]
    lasts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]  # [O, J] in frames
    length_cost: Floats  # [O, J]
    tempo_cost: Floats  # [2 * _REACH + 1]
    start_cost: Floats  # [P]


def follow(accents: Mapping[str, Floats], meters: Sequence[Meter], slowest_bpm: float, fastest_bpm: float) -> Path:
    """The likeliest beats between two tempi, given how well each frame [n] would do as each kind of accent."""
    import numpy as np

    model = _model(meters, slowest_bpm, fastest_bpm)
    onbeat = np.stack([accents[meter.accents[beat]] for meter, beat in model.places], axis=1)
    divided = _divided(accents, model)
    score, came = _forward(model, onbeat, divided)
    return _backward(model, score, came, onbeat, divided)


def _model(meters: Sequence[Meter], slowest_bpm: float, fastest_bpm: float) -> _Model:
    import numpy as np

    count = max(1, round(np.log(fastest_bpm / slowest_bpm) / np.log1p(_TEMPO_STEP))) + 1
    periods = 60 * FRAMES_HZ / np.geomspace(fastest_bpm, slowest_bpm, count)
    lengths = np.round(periods).astype(np.int64) + np.array([[0], [-1], [1]])
    spread = _JITTER_FRAMES + _JITTER_SHARE * periods
    steps = np.abs(np.arange(-_REACH, _REACH + 1)) * np.log1p(_TEMPO_STEP)
    chance = np.exp(-_TEMPO_CHANGE * steps)
    places = [(meter, beat) for meter in meters for beat in range(len(meter.accents))]
    divisions = list(dict.fromkeys(meter.division for meter in meters))
    starts = np.cumsum([0, *(len(meter.accents) for meter in meters)])
    first = np.repeat(starts[:-1], [len(meter.accents) for meter in meters])
    size = np.array([len(meter.accents) for meter, _ in places])
    share = np.array([meter.share for meter, _ in places])
    return _Model(
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


def _divided(accents: Mapping[str, Floats], model: _Model) -> Floats:
    """[n, kinds, lengths]: how well the music fits the best way to divide a beat that starts so and is so long."""
    import numpy as np

    lengths = range(int(model.lengths.min()), int(model.lengths.max()) + 1)
    count = len(next(iter(accents.values())))
    padded = {kind: np.pad(values, (0, lengths[-1] + 1)) for kind, values in accents.items()}
    out = np.full((count, len(model.divisions), len(lengths)), _NEVER, np.float32)
    for kind, division in enumerate(model.divisions):
        for column, length in enumerate(lengths):
            for way in division:
                fit = np.full(count, way.cost, np.float32)
                for accent, at in way.moments(length, _QUICK_FRAMES):
                    fit += padded[accent][at : at + count]
                np.maximum(out[:, kind, column], fit, out=out[:, kind, column])
    return out


def _forward(model: _Model, onbeat: Floats, divided: Floats) -> tuple[Floats, npt.NDArray[np.uint16]]:
    """[n, P, J]: how well the best way fits that comes to a beat there, and where it came from (0: it began there)."""
    import numpy as np

    frames, places = onbeat.shape
    tempi = model.lengths.shape[1]
    shortest, longest = int(model.lengths.min()), int(model.lengths.max())
    score = np.full((longest + frames, places, tempi), _NEVER, np.float32)  # `longest` frames before the song
    came = np.zeros((frames, places, tempi), np.uint16)
    place, tempo = np.arange(places)[:, None], np.arange(tempi)
    for first in range(0, frames, shortest):
        at = np.arange(first, min(first + shortest, frames))[:, None, None]
        best = np.full((len(at), places, tempi), _NEVER, np.float32)
        chosen = np.zeros(best.shape, np.uint16)
        for option, (lengths, cost) in enumerate(zip(model.lengths, model.length_cost)):
            start = at - lengths
            inside = np.maximum(start, 0)
            ended = score[start + longest, place, tempo] + onbeat[inside, place]
            ended += divided[inside, model.kinds[:, None], lengths - shortest] + cost
            better = ended > best
            best[better] = ended[better]
            chosen[better] = option
        entered, origin = _entered(model, best, chosen)
        entered, origin = _changed(model, entered, origin)
        if first < longest:
            fresh = (model.start_cost[:, None] > entered) & (at < longest)
            entered = np.where(fresh, model.start_cost[:, None], entered)
            origin = np.where(fresh, 0, origin)
        score[first + longest : first + longest + len(at)] = entered
        came[first : first + len(at)] = origin
    return score[longest:], came


def _entered(model: _Model, best: Floats, chosen: npt.NDArray[np.uint16]) -> tuple[Floats, npt.NDArray[np.uint16]]:
    """From the ends of beats to the next place in the bar; a bar may be followed by one of another meter."""
    import numpy as np

    options = len(model.lengths)
    entered, length = best[:, model.before], chosen[:, model.before]
    source = np.broadcast_to(model.before[:, None], entered.shape).astype(np.uint16)
    last = best[:, model.lasts].argmax(axis=1)
    other = np.take_along_axis(best[:, model.lasts], last[:, None], axis=1)[:, 0] + np.float32(_METER_CHANGE)
    other_length = np.take_along_axis(chosen[:, model.lasts], last[:, None], axis=1)[:, 0]
    for first in model.firsts:
        better = other > entered[:, first]
        entered[:, first] = np.where(better, other, entered[:, first])
        length[:, first] = np.where(better, other_length, length[:, first])
        source[:, first] = np.where(better, model.lasts[last], source[:, first])
    return entered, source * options + length


def _changed(model: _Model, entered: Floats, origin: npt.NDArray[np.uint16]) -> tuple[Floats, npt.NDArray[np.uint16]]:
    """The best tempo to have come from; the step is written into the origin."""
    import numpy as np

    steps, (frames, places, tempi) = len(model.tempo_cost), entered.shape
    wide = np.full((frames, places, tempi + 2 * _REACH), _NEVER, np.float32)
    wide_origin = np.zeros(wide.shape, np.uint16)
    wide[:, :, _REACH:-_REACH], wide_origin[:, :, _REACH:-_REACH] = entered, origin
    best = np.full(entered.shape, 2 * _NEVER, np.float32)
    code = np.zeros(entered.shape, np.uint16)
    for step, cost in enumerate(model.tempo_cost):
        value = wide[:, :, step : step + tempi] + cost
        better = value > best
        best = np.where(better, value, best)
        code = np.where(better, wide_origin[:, :, step : step + tempi] * steps + step + 1, code)
    return best, code


def _backward(
    model: _Model, score: Floats, came: npt.NDArray[np.uint16], onbeat: Floats, divided: Floats
) -> Path:  # fmt: skip
    import numpy as np

    options, steps = len(model.lengths), len(model.tempo_cost)
    tail = max(0, len(score) - int(model.lengths.max()))
    at, place, tempo = map(int, np.unravel_index(int(score[tail:].argmax()), score[tail:].shape))
    frame = tail + at
    total = float(score[frame, place, tempo])
    found = []
    while True:
        found.append((frame, place))
        code = int(came[frame, place, tempo]) - 1
        if code < 0:
            break
        code, step = divmod(code, steps)
        place, option = divmod(code, options)
        tempo += step - _REACH
        frame -= int(model.lengths[option, tempo])
    found.reverse()
    shortest = int(model.lengths.min())
    fit = [
        onbeat[start, p] + divided[start, model.kinds[p], end - start - shortest]
        for (start, p), (end, _) in itertools.pairwise(found)
    ]
    return Path(
        frames=np.array([frame for frame, _ in found]),
        places=tuple(model.places[p] for _, p in found),
        fit=np.array([*fit, *fit[-1:]] or [0.0], np.float32),
        score=total,
    )
