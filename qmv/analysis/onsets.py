"""Where sounds begin, band by band, a hundred times a second: what a beat tracker listens to.

SuperFlux (Böck & Widmer 2013): the rise of a logarithmic spectrum, where a maximum over neighbouring bands keeps a
vibrato from looking like a row of onsets. A moment's rise is taken from 10 ms before it to 10 ms after it, so that an
attack is not told late.
May be imported from stages and plugins.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from qmv.media.samples import let_go

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

__all__ = ["BANDS_HZ", "RATE_HZ", "Onsets", "difference", "onsets", "totals"]

RATE_HZ = 100
BANDS_HZ = (0.0, 150.0, 800.0, 2500.0, 7000.0, 20_000.0)  # kick and bass, low and high notes, snare, hats
_WINDOW_S = 0.0464
_PER_OCTAVE = 24
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 16_000.0
_BLOCK = 1024  # windows at a time: 8 MB of samples at 44.1 kHz
_ROWS = 8192  # of a song's curves at a time, where there are many of them in double precision
_REACH = 2 * RATE_HZ  # what is loud is judged by the loudest within so many frames on either side
_LONG = 40  # frames that a harmony is heard over, before and after
_NOTES_HZ = (100.0, 2000.0)


class Onsets(NamedTuple):
    """`strength` [n, 5] has the peaks of each band's rise, 1 and a little more for the loud ones around, and zeros
    between them; `harmony` [n] the moments in which the chord changes, up to 1; `chroma` [n, 12] is how strong each
    pitch class is.
    Row k lies k / RATE_HZ seconds from the start.
    """

    strength: Floats
    harmony: Floats
    chroma: Floats


def onsets(samples: npt.NDArray[np.float32], rate_hz: int) -> Onsets:
    """The onsets of a mono signal [n] in -1..1; all zeros for silence."""
    import numpy as np
    from scipy import sparse
    from scipy.ndimage import uniform_filter1d

    bands, middle_hz = _filterbank(rate_hz)
    edges = itertools.pairwise(BANDS_HZ)
    # sparse products are exact whatever number of threads the machine has
    shares = sparse.csr_array(np.stack([_share((middle_hz >= low) & (middle_hz < high)) for low, high in edges]))
    notes = sparse.csr_array(_notes(middle_hz).T)
    count = len(samples) * RATE_HZ // rate_hz + 1
    strength, chroma = np.empty((count, shares.shape[0]), np.float32), np.empty((count, 12), np.float32)
    for first, spectrum in _log_spectra(samples, rate_hz, bands):
        here = slice(first, first + len(spectrum) - 2)
        strength[here] = (shares @ _rise(spectrum).T).T
        chroma[here] = (notes @ spectrum[1:-1].T).T
        let_go(samples)
    for level in strength.T:
        level[:] = _peaks(level)
    uniform_filter1d(chroma, 5, axis=0, output=chroma)
    return Onsets(strength=strength, harmony=_changes(chroma), chroma=chroma)


def _share(inside: npt.NDArray[np.bool_]) -> Floats:
    """Weights [bands] for the mean of those inside; zeros where there are none."""
    import numpy as np

    return np.asarray(inside / max(1, inside.sum()), np.float32)


def _notes(middle_hz: Floats) -> Floats:
    """[bands, 12]: which bands sound as which pitch class."""
    import numpy as np

    heard = (middle_hz > _NOTES_HZ[0]) & (middle_hz < _NOTES_HZ[1])
    pitch = np.round(12 * np.log2(middle_hz / 440)).astype(int) % 12
    return np.asarray((pitch[:, None] == np.arange(12)) & heard[:, None], np.float32)


def _filterbank(rate_hz: int) -> tuple[Any, Floats]:
    """Triangles of 24 an octave as a sparse [bands, bins], each of sum 1, and their middle frequencies."""
    import numpy as np
    from scipy import sparse

    size = max(2, round(_WINDOW_S * rate_hz))
    octaves = np.log2(max(2.0, min(_HIGHEST_HZ, rate_hz / 2.05) / _LOWEST_HZ))
    edges_hz = _LOWEST_HZ * 2 ** (np.arange(0, _PER_OCTAVE * octaves) / _PER_OCTAVE)
    edges = np.unique(np.round(edges_hz * size / rate_hz).astype(int))
    edges = edges[(edges > 0) & (edges < size // 2)]
    bank = np.zeros((max(0, len(edges) - 2), size // 2 + 1), np.float32)
    for row, (left, middle, right) in enumerate(zip(edges, edges[1:], edges[2:])):
        bank[row, left : middle + 1] = np.linspace(0, 1, middle - left + 1)
        bank[row, middle : right + 1] = np.linspace(1, 0, right - middle + 1)
        bank[row] /= bank[row].sum()
    return sparse.csr_array(bank), (edges[1:-1] * rate_hz / size).astype(np.float32)


def _log_spectra(samples: npt.NDArray[np.float32], rate_hz: int, bands: Any) -> Iterator[tuple[int, Floats]]:
    """Blocks [n + 2, bands], a row every 10 ms, each centred at its moment whatever the sample rate, and the number of
    their second row: the first and the last row of a block belong to its neighbours.
    """
    import numpy as np
    from scipy import fft

    size = max(2, round(_WINDOW_S * rate_hz))
    window = np.hanning(size).astype(np.float32)
    count = len(samples) * RATE_HZ // rate_hz + 1
    for first in range(0, count, _BLOCK):
        numbers = np.arange(first - 1, min(first + _BLOCK, count) + 1)
        starts = np.round(numbers * (rate_hz / RATE_HZ)).astype(np.int64) - size // 2
        before, after = max(0, -int(starts[0])), max(0, int(starts[-1]) + size - len(samples))
        part = np.pad(samples[max(0, int(starts[0])) : int(starts[-1]) + size], (before, after))
        part = np.nan_to_num(part, posinf=0, neginf=0)
        pieces = np.lib.stride_tricks.sliding_window_view(part, size)[starts - starts[0]]
        heard = np.abs(fft.rfft(pieces * window, axis=1))
        yield first, np.log10(1 + bands @ heard.T).T


def _rise(spectrum: Floats) -> Floats:
    """How much each band, from the row before to the row after, rises above itself and its neighbours."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d

    if not spectrum.shape[1]:
        return spectrum[1:-1]
    return np.asarray(np.maximum(spectrum[2:] - maximum_filter1d(spectrum[:-2], 3, axis=1), 0))


def _peaks(level: Floats) -> Floats:
    """The local maxima of a curve, beside the loudest around them; far below the song's loudest they fade away."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    peak = (level == maximum_filter1d(level, 5)) & (level > 0)
    if not peak.any():
        return np.zeros(len(level), np.float32)
    loud = uniform_filter1d(maximum_filter1d(level, 2 * _REACH + 1), 2 * _REACH + 1)
    scale = np.maximum(0.8 * loud, 0.15 * np.percentile(level[peak], 95)) + 1e-9
    return np.where(peak, level / scale, 0).astype(np.float32)


def _changes(chroma: Floats) -> Floats:
    """Where the chord after a moment differs most from the one before it."""
    import numpy as np
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    count = len(chroma)
    change, before = np.empty(count), np.zeros((1, 12))
    for first in range(0, count, _ROWS):
        at = np.arange(first, min(first + _ROWS, count))
        low, high = max(0, first - _LONG), min(first + _ROWS + _LONG, count)
        sums = np.cumsum(
            np.concatenate([before, chroma[low:high]]), axis=0
        )  # from the song's start to row low, low + 1 ...
        here = sums[at - low]
        past, coming = sums[np.maximum(at - _LONG, 0) - low], sums[np.minimum(at + _LONG, count) - low]
        change[at] = difference(here - past, coming - here)
        before = sums[[max(0, first + _ROWS - _LONG) - low]] if high < count else before
    change[: _LONG // 2] = change[max(0, count - _LONG // 2) :] = 0
    change = gaussian_filter1d(change, 3)
    peak = (change == maximum_filter1d(change, 31)) & (change > 0)
    return np.where(peak, np.clip(change, 0, 1), 0).astype(np.float32)


def totals(chroma: Floats, at: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """[len(at), 12]: the sum of all rows before each of these."""
    import numpy as np

    found, before = np.empty((len(at), 12)), np.zeros((1, 12))
    for first in range(0, len(chroma), _ROWS):
        sums = np.cumsum(np.concatenate([before, chroma[first : first + _ROWS]]), axis=0)
        inside = (at >= first) & (at < first + len(sums))
        found[inside] = sums[at[inside] - first]
        before = sums[-1:]
    return found


def difference(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How much chroma [n, 12] differ: 0 for the same chord, 1 for one that has nothing to do with it, 2 for its
    opposite; 0 where one of them is silence.
    """
    import numpy as np

    shapes = [chroma - chroma.mean(axis=1, keepdims=True) for chroma in (before, after)]
    lengths = [np.linalg.norm(shape, axis=1) for shape in shapes]
    product = (shapes[0] * shapes[1]).sum(axis=1)
    heard = (lengths[0] > 1e-6) & (lengths[1] > 1e-6)
    return np.where(heard, 1 - product / np.maximum(lengths[0] * lengths[1], 1e-12), 0.0)
