"""From bars to sections: where the sound changes for good, and which stretches sound alike.

Boundaries are the change points of a kernel (Arlot, Celisse, Harchaoui 2019: "A kernel multiple change-point algorithm
via model selection") found by dynamic programming, with a preference for lengths in whole phrases as in Sargent,
Bimbot, Vincent 2017 ("Estimating the structural segmentation of popular music pieces under regularity constraints").
Labels come from clustering the sections by the mean of the same kernel.
May be imported from `qmv.analysis` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["boundaries", "labels", "likeness"]

_COST = 0.55  # of a section, against the bars' spread within it, where 1 is that of bars that have nothing in common
_UNEVEN = {8: 0.0, 4: 0.0, 2: 0.25, 1: 0.5}  # how much dearer lengths are that are multiples of so many bars
_SHORT, _SHORT_S = 0.5, 6.5  # what is shorter is as much dearer
_SHORTEST_S = 3.3
_LONGEST = 48  # bars; longer sections are put together again by their label
_ALIKE = 0.75  # of the likeness within sections: so much between two makes them one


def likeness(bars: Floats) -> Floats:
    """[bars, bars] in 0..1: 1 for bars that sound the same; the median distance in the song counts as 1/e."""
    import numpy as np

    distance, away = np.zeros((2, len(bars), len(bars)))
    for column in bars.T:
        np.subtract.outer(column, column, out=away)
        distance += np.square(away, out=away)
    apart = distance[~np.tri(len(bars), dtype=bool)]
    usual = max(1.0, float(np.median(apart))) if len(apart) else 1.0
    distance /= -usual
    return np.asarray(np.exp(distance, out=distance), np.float64)


def boundaries(alike: Floats, edges_s: list[float]) -> list[int]:
    """The bars that sections start with, from 0 on, and the number of bars as the last."""
    import numpy as np

    bars = len(alike)
    area = np.zeros((bars + 1, bars + 1))
    inside = area[1:, 1:]
    np.cumsum(np.cumsum(alike, axis=0, out=inside), axis=1, out=inside)
    edges, fee = np.array(edges_s), _fees()
    best, came_from = np.zeros(bars + 1), np.zeros(bars + 1, int)
    for end in range(1, bars + 1):
        start = np.arange(max(0, end - _LONGEST), end)
        length, length_s = end - start, edges[end] - edges[start]
        inner = area[end, end] - area[start, end] - area[end, start] + area[start, start]
        outer = (start == 0) | (end == bars)  # lead-ins and ends have any length
        price = np.where(outer, 1.0, fee[length]) + np.where(length_s < _SHORT_S, _SHORT, 0.0)
        price += np.where((length_s < _SHORTEST_S) & (length < bars), 1e6, 0.0)
        total = np.round(best[start] + length - inner / length + _COST * price, 9)
        choice = int(np.argmin(total))
        best[end], came_from[end] = total[choice], start[choice]
    found = [bars]
    while found[-1] > 0:
        found.append(int(came_from[found[-1]]))
    return found[::-1]


def _fees() -> Floats:
    """What a section of each number of bars costs, as a multiple of the cheapest."""
    import numpy as np

    return np.array(
        [1 + next(fee for whole, fee in _UNEVEN.items() if bars % whole == 0) for bars in range(_LONGEST + 1)]
    )


def labels(alike: Floats, starts: list[int]) -> list[str]:
    """A letter a section, the same for those that sound alike; `starts` as from `boundaries`."""
    letters: dict[int, str] = {}
    return [letters.setdefault(one, _letter(len(letters))) for one in _clusters(_between(alike, starts), _ALIKE)]


def _clusters(share: Floats, least: float) -> list[int]:
    """The number of each one's cluster: average linkage, as long as two clusters share so much."""
    import numpy as np

    share, sizes = share.copy(), np.ones(len(share))
    of = np.arange(len(share))
    np.fill_diagonal(share, -1.0)
    while len(share) > 1 and share.max() >= least:
        a, b = divmod(int(np.argmax(share)), len(share))
        share[a] = share[:, a] = (sizes[a] * share[a] + sizes[b] * share[b]) / (sizes[a] + sizes[b])
        sizes[a] += sizes[b]
        share[b], share[:, b], share[a, a] = -1.0, -1.0, -1.0
        of[of == b] = a
    return [int(one) for one in of]


def _between(alike: Floats, starts: list[int]) -> Floats:
    """[sections, sections] in 0..1: the mean likeness of two sections' bars, as a share of that within each."""
    import numpy as np

    lengths = np.diff(starts)
    total = np.add.reduceat(np.add.reduceat(alike, starts[:-1], axis=0), starts[:-1], axis=1)
    mean = total / np.outer(lengths, lengths)
    pairs = lengths * (lengths - 1)  # a bar's likeness to itself tells nothing
    within = np.where(pairs > 0, (np.diag(total) - lengths) / np.maximum(pairs, 1), 1.0)
    share = mean / np.sqrt(np.outer(np.maximum(within, 0.05), np.maximum(within, 0.05)))
    share = np.round(np.clip(share, 0, 1), 6)
    np.fill_diagonal(share, 1.0)
    return np.asarray(share, np.float64)


def _letter(number: int) -> str:
    """A, B ... Z, A2, B2 ..."""
    again, letter = divmod(number, 26)
    return chr(ord("A") + letter) + (str(again + 1) if again else "")
