"""Which beat is the first of its bar, and how many beats a bar has: decided once the beats are known.

Each beat is described by its accents and by how much the harmony before it differs from the one after it, over one,
two and four beats. A single beat tells little, so the best numbering of the whole song is taken, and a change of
meter or a broken bar has to pay for itself. Where nothing tells bars apart, as where one and three sound alike, a song
begins with a bar more often than with an upbeat (Temperley 2007).
May be imported from stages and plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qmv.analysis.onsets import RATE_HZ, Onsets, difference, totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["BARS", "COMPOUND_BARS", "Bar", "numbered"]

_NEAR = 4  # frames that an onset may lie from its beat
_BREAK = 2.5  # times the usual interval: longer ones are no gap between two beats
_ON_ONE = 1.5  # natural logarithm of how much likelier a song begins on a downbeat than on another beat: decides a tie
_NEW_METER = -14.0  # natural logarithm of how likely a bar is of another meter than the one before

# What is expected of a beat, in standard deviations from the song's mean: kick and bass, low notes, high notes, snare,
# hats, and new harmony over one, two and four beats. Bass and harmony turn with the bar, the snare answers. Set by
# hand and rounded, after trials on made and MIDI-rendered songs.
_EXPECTED = {
    "first": (0.24, 0.12, 0.12, -0.06, 0.0, 0.20, 0.20, 0.16),
    "back": (-0.16, -0.02, -0.04, 0.14, -0.06, -0.06, -0.06, -0.08),
    "middle": (0.08, 0.08, 0.06, 0.0, 0.0, 0.06, 0.0, 0.0),
    "weak": (-0.12, -0.08, -0.08, 0.0, 0.0, -0.08, -0.04, -0.04),
}


class Bar(NamedTuple):
    """A kind of bar by its beats; those of a compound meter are dotted. `share` is how common it is, of all music."""

    meter: str
    beats: tuple[str, ...]
    share: float


BARS = (
    Bar("4/4", ("first", "back", "middle", "back"), 0.75),
    Bar("3/4", ("first", "weak", "weak"), 0.15),
    Bar("2/4", ("first", "back"), 0.06),
    Bar("5/4", ("first", "weak", "weak", "middle", "weak"), 0.03),
    Bar("7/4", ("first", "weak", "weak", "middle", "weak", "middle", "weak"), 0.01),
)
COMPOUND_BARS = (
    Bar("6/8", ("first", "back"), 0.3),
    Bar("9/8", ("first", "weak", "weak"), 0.1),
    Bar("12/8", ("first", "back", "middle", "back"), 0.6),
)


def numbered(onsets: Onsets, times_s: Floats, bars: Sequence[Bar] = BARS) -> tuple[npt.NDArray[np.int64], str]:
    """Each beat's place in its bar, from 1, and the meter of most of them."""
    import numpy as np

    places = [(bar, beat) for bar in bars for beat in range(len(bar.beats))]
    described = _described(onsets, times_s)
    table = {kind: np.array(expected) for kind, expected in _EXPECTED.items()}
    fit = np.stack(
        [(described * table[bar.beats[beat]] - table[bar.beats[beat]] ** 2 / 2).sum(axis=1) for bar, beat in places],
        axis=1,
    )  # fmt: skip
    intervals = np.diff(times_s)
    breaks = np.append(False, intervals > _BREAK * np.median(intervals))
    way = _best_way(fit, bars, breaks)
    meters = [places[place][0].meter for place in way]
    return np.array([places[place][1] + 1 for place in way]), max(dict.fromkeys(meters), key=meters.count)


def _best_way(fit: Floats, bars: Sequence[Bar], breaks: npt.NDArray[np.bool_]) -> list[int]:
    """The likeliest row of places (Viterbi): one after the other, and from a bar's last to the first of any; after a
    break in the beats at any.
    """
    import numpy as np

    sizes = np.array([len(bar.beats) for bar in bars])
    firsts = np.cumsum(sizes) - sizes
    lasts = firsts + sizes - 1
    before = np.arange(len(fit[0])) - 1
    before[firsts] = lasts
    score = np.repeat(np.log([bar.share / len(bar.beats) for bar in bars]), sizes) + fit[0]
    score[firsts] += _ON_ONE
    came = np.zeros(fit.shape, np.int64)
    for beat in range(1, len(fit)):
        origin = before.copy()
        entered = score[before]
        last = lasts[score[lasts].argmax()]
        other = score[last] + _NEW_METER
        better = firsts[other > entered[firsts]]
        entered[better], origin[better] = other, last
        if breaks[beat]:
            free = score.max() - np.log(len(score))
            origin = np.where(free > entered, int(score.argmax()), origin)
            entered = np.maximum(entered, free)
        came[beat], score = origin, entered + fit[beat]
    way = [int(score.argmax())]
    for beat in range(len(fit) - 1, 0, -1):
        way.append(int(came[beat, way[-1]]))
    return way[::-1]


def _described(onsets: Onsets, times_s: Floats) -> Floats:
    """[beats, 8] in standard deviations from the song's mean."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d

    frames = np.clip(np.round(times_s * RATE_HZ).astype(np.int64), 0, len(onsets.strength) - 1)
    accents = maximum_filter1d(onsets.strength, 2 * _NEAR + 1, axis=0)[frames].astype(np.float64)
    begin = np.minimum(frames + 5, len(onsets.chroma))  # the attack itself is all noise
    end = np.maximum(np.append(frames[1:], len(onsets.chroma)), begin + 1).clip(max=len(onsets.chroma))
    heard = np.cumsum(
        np.vstack([np.zeros((1, 12)), _directed(totals(onsets.chroma, end) - totals(onsets.chroma, begin))]), axis=0
    )
    changes = [_change(heard, beats) for beats in (1, 2, 4)]
    rows = np.column_stack([accents, *changes])
    return np.asarray((rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-6))


def _directed(chroma: Floats) -> Floats:
    import numpy as np

    return np.asarray(chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-6))


def _change(sums: Floats, beats: int) -> Floats:
    import numpy as np

    count = len(sums) - 1
    at = np.arange(count)
    change = difference(sums[at] - sums[np.maximum(at - beats, 0)], sums[np.minimum(at + beats, count)] - sums[at])
    change[0] = 0
    return change
