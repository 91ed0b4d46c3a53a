"""Follows beats and bars through a song's accents: the bar pointer model, decoded beat by beat.

A hidden state is the place in the bar at which a beat begins and the tempo that it is taken at (Whiteley, Cemgil &
Godsill 2006; Krebs, Böck & Widmer 2015). Since nothing but the beat's end changes the state, the best path is found
over beats instead of frames, as in a semi-Markov model: a few lengths a beat, and all frames up to the shortest beat
at once. That leaves the tempo free to lie between whole frames.
May be imported from stages and plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qmv.analysis.bar_model import FRAMES_HZ, NEVER, REACH, Model, best_way, divided, model_of
from qmv.analysis.meters import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Came = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

__all__ = ["FRAMES_HZ", "Path", "follow"]

_METER_CHANGE = -9.0  # natural logarithm of how likely a bar is of another meter than the one before
_BLOCK = 4096  # frames: scores of 82 s of music, more than the longest beat has


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


class _Known(NamedTuple):
    """Scores [n, P, J] and fits of divisions [n, kinds, lengths] of a part of the song that begins at frame `first`."""

    score: Floats
    divided: Floats
    first: int


def follow(accents: Mapping[str, Floats], meters: Sequence[Meter], slowest_bpm: float, fastest_bpm: float) -> Path:
    """The likeliest beats between two tempi, given how well each frame [n] would do as each kind of accent."""
    import numpy as np

    model = model_of(meters, slowest_bpm, fastest_bpm)
    onbeat = np.stack([accents[meter.accents[beat]] for meter, beat in model.places], axis=1)
    padded = {kind: np.pad(values, (0, int(model.lengths.max()) + 1)) for kind, values in accents.items()}
    last, came = _forward(model, onbeat, padded)
    return _backward(model, last, came, onbeat, padded)


def _forward(model: Model, onbeat: Floats, padded: Mapping[str, Floats]) -> tuple[Floats, list[Came]]:
    """How well the best way fits that comes to a beat at each of the last frames [m, P, J], as many as the longest beat
    has, and where the best way to each frame came from (0: it began there), in blocks [_BLOCK, P, J].

    Scores are kept for a block of the song and for the longest beat before it.
    """
    import numpy as np

    frames, places = onbeat.shape
    shortest, longest = int(model.lengths.min()), int(model.lengths.max())
    score = np.full((longest + _BLOCK, places, model.lengths.shape[1]), NEVER, np.float32)
    ways = np.zeros((longest + _BLOCK, len(model.divisions), longest - shortest + 1), np.float32)
    codes = np.min_scalar_type(places * len(model.lengths) * len(model.tempo_cost))
    blocks = []
    for begin in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - begin)
        ways[longest : longest + count] = divided(padded, model, begin, count)
        came = np.zeros((count, *score.shape[1:]), codes)
        for first in range(0, count, shortest):
            at = np.arange(first, min(first + shortest, count))
            known = _Known(score, ways, begin - longest)
            score[longest + at], came[at] = _arrived(model, begin + at, onbeat, known)
        blocks.append(came)
        score[:longest], ways[:longest] = score[count:][:longest], ways[count:][:longest]
    return score[max(0, longest - frames) : longest], blocks


def _arrived(
    model: Model, frames: npt.NDArray[np.int64], onbeat: Floats, known: _Known
) -> tuple[Floats, npt.NDArray[np.uint16]]:
    """[m, P, J]: how well the best way fits to each of `frames`, none of which depends on another one, and where it
    came from.
    """
    import numpy as np

    shortest, longest = int(model.lengths.min()), int(model.lengths.max())
    place, tempo = np.arange(len(model.places))[:, None], np.arange(model.lengths.shape[1])
    at = frames[:, None, None]
    best = np.full((len(at), len(place), len(tempo)), NEVER, np.float32)
    chosen = np.zeros(best.shape, np.uint16)
    for option, (lengths, cost) in enumerate(zip(model.lengths, model.length_cost)):
        start = at - lengths
        inside = np.maximum(start, 0)
        ended = known.score[start - known.first, place, tempo] + onbeat[inside, place]
        ended += known.divided[inside - known.first, model.kinds[:, None], lengths - shortest] + cost
        better = ended > best
        best[better] = ended[better]
        chosen[better] = option
    entered, origin = _changed(model, *_entered(model, best, chosen))
    if frames[0] < longest:
        fresh = (model.start_cost[:, None] > entered) & (at < longest)
        entered = np.where(fresh, model.start_cost[:, None], entered)
        origin = np.where(fresh, 0, origin)
    return entered, origin


def _entered(model: Model, best: Floats, chosen: npt.NDArray[np.uint16]) -> tuple[Floats, npt.NDArray[np.uint16]]:
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


def _changed(model: Model, entered: Floats, origin: npt.NDArray[np.uint16]) -> tuple[Floats, npt.NDArray[np.uint16]]:
    """The best tempo to have come from; the step is written into the origin."""
    import numpy as np

    steps, (frames, places, tempi) = len(model.tempo_cost), entered.shape
    wide = np.full((frames, places, tempi + 2 * REACH), NEVER, np.float32)
    wide_origin = np.zeros(wide.shape, np.uint16)
    wide[:, :, REACH:-REACH], wide_origin[:, :, REACH:-REACH] = entered, origin
    best = np.full(entered.shape, 2 * NEVER, np.float32)
    code = np.zeros(entered.shape, np.uint16)
    for step, cost in enumerate(model.tempo_cost):
        value = wide[:, :, step : step + tempi] + cost
        better = value > best
        best = np.where(better, value, best)
        code = np.where(better, wide_origin[:, :, step : step + tempi] * steps + step + 1, code)
    return best, code


def _backward(model: Model, last: Floats, came: list[Came], onbeat: Floats, padded: Mapping[str, Floats]) -> Path:
    import numpy as np

    options, steps = len(model.lengths), len(model.tempo_cost)
    at, place, tempo = map(int, np.unravel_index(int(last.argmax()), last.shape))
    frame = len(onbeat) - len(last) + at
    found = []
    while True:
        found.append((frame, place))
        code = int(came[frame // _BLOCK][frame % _BLOCK, place, tempo]) - 1
        if code < 0:
            break
        code, step = divmod(code, steps)
        place, option = divmod(code, options)
        tempo += step - REACH
        frame -= int(model.lengths[option, tempo])
    found.reverse()
    frames, places = np.array(found).T
    fit = onbeat[frames, places]
    fit[:-1] += _fit_of_divisions(model, padded, frames, places)
    fit[-1] = fit[-2] if len(fit) > 1 else 0.0
    return Path(frames=frames, places=tuple(model.places[p] for _, p in found), fit=fit, score=float(last.max()))


def _fit_of_divisions(
    model: Model, padded: Mapping[str, Floats], frames: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> Floats:
    """[beats - 1]: how well the music between each beat and the next one fits."""
    import numpy as np

    starts, lengths, kinds = frames[:-1], np.diff(frames), model.kinds[places[:-1]]
    fit = np.empty(len(starts), np.float32)
    for kind, length in {*zip(kinds.tolist(), lengths.tolist())}:
        here = (kinds == kind) & (lengths == length)
        fit[here] = best_way(padded, model.divisions[kind], length, starts[here])
    return fit
