"""Where notes and drums begin, by the rise of the spectrum: enough to pull a tapped beat onto the sound it meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["attacks"]

_HOP_S = 0.005
_WINDOW_S = 0.02  # short, so that the steepest rise is where the attack lies in its middle
_APART_S = 0.03
_BLOCK = 4096  # windows at a time: a whole song's spectra would take gigabytes


def attacks(samples: npt.NDArray[np.float32], rate_hz: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Times in seconds and strengths (1 is usual, above 0.3) of the attacks in a mono signal [n] in -1..1."""
    import numpy as np

    hop = max(1, round(rate_hz * _HOP_S))
    rise = _rise(samples, hop, max(4, round(rate_hz * _WINDOW_S)))
    if len(rise) < 3 or not rise.any():
        return np.zeros(0), np.zeros(0)
    reach = round(_APART_S / _HOP_S)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rise, reach), 2 * reach + 1).max(axis=1)
    peaks = np.flatnonzero((rise == around) & (rise > 0))
    strengths = rise[peaks] / np.percentile(rise[peaks], 90)
    clear = strengths > 0.3
    return peaks[clear] * hop / rate_hz, strengths[clear]


def _rise(samples: npt.NDArray[np.float32], hop: int, size: int) -> npt.NDArray[np.float64]:
    """How much louder all bands together become at each `hop`, on a logarithmic scale."""
    import numpy as np

    count = 1 + len(samples) // hop
    padded = np.pad(samples, size)
    window = np.hanning(size).astype(np.float32)
    last: npt.NDArray[np.float64] | None = None
    parts = []
    for first in range(0, count, _BLOCK):
        middles = size + hop * np.arange(first, min(first + _BLOCK, count))
        pieces = padded[(middles - size // 2)[:, None] + np.arange(size)]
        heard = np.log1p(100 * np.abs(np.fft.rfft(pieces * window)) / size)
        before = heard[:1] if last is None else last
        parts.append(np.maximum(np.diff(heard, axis=0, prepend=before), 0).sum(axis=1))
        last = heard[-1:]
    return np.concatenate(parts)
