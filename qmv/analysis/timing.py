"""Moves beats onto the attacks that are heard, by the physics of a short window, without a fitted constant.

How loud a symmetrical window finds a sound rises steepest when its middle passes over the attack; measured as the
difference between a little after and a little before, the steepest point is the attack itself. Only a click shorter
than the window is told early, by up to a third of the window.
Each beat then takes its place on the curve through its neighbours' attacks, so that one note played late, or a beat
without a note, moves nothing.
May be imported from stages and plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.media.samples import let_go

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["on_attacks"]

_HOP_S = 0.002
_WINDOW_S = 0.0116
_REACH = 25  # hops that an attack may lie from the beat that was found
_AROUND = 2  # hops before and after, whose difference is the rise
_LIKELY_S = 0.02  # how far attacks usually lie from the beat that was found
_BANDS = 8
_NEIGHBOURS = 8  # beats on either side whose attacks count
_SLACK_S = 0.006  # how far a player's note lies from the beat without being an outlier
_SAME_TEMPO = 0.08
_STIFFNESS = (1e-6, 1e-3, 0.01)  # against moving, another tempo and a changing one, where few attacks are heard
_BLOCK = 64  # beats at a time: 7 MB of samples at 44.1 kHz


def on_attacks(samples: npt.NDArray[np.float32], rate_hz: int, times_s: Floats) -> Floats:
    """Beats near attacks, moved onto them; raising times stay raising."""
    import numpy as np

    if len(times_s) < 3:
        return times_s
    blocks = []
    for at in range(0, len(times_s), _BLOCK):
        blocks.append(_attacks(samples, rate_hz, times_s[at : at + _BLOCK]))
        let_go(samples)
    heard = np.concatenate([times for times, _ in blocks])
    clear = np.concatenate([clearness for _, clearness in blocks])
    moved = _on_curves(times_s, heard, clear / max(float(np.median(clear)), 1e-9))
    return moved if (np.diff(moved) > 0).all() else times_s


def _attacks(samples: npt.NDArray[np.float32], rate_hz: int, times_s: Floats) -> tuple[Floats, Floats]:
    """The attack near each time, and how much louder it makes the sound."""
    import numpy as np
    from scipy import fft

    hops = np.arange(-_REACH - _AROUND, _REACH + _AROUND + 1)
    size = max(16, round(_WINDOW_S * rate_hz))
    middles = np.round((times_s[:, None] + hops * _HOP_S) * rate_hz).astype(np.int64)
    first, last = int(middles.min()) - size, int(middles.max()) + size
    part = np.pad(samples[max(0, first) : max(0, last)], (max(0, -first), max(0, last - len(samples))))
    pieces = np.lib.stride_tricks.sliding_window_view(part, size)[middles - first - size // 2]
    loud = np.abs(fft.rfft(pieces * np.hanning(size).astype(np.float32), axis=2))
    edges = np.unique(np.round(np.geomspace(1, loud.shape[2], _BANDS + 1)).astype(int))
    level = np.add.reduceat(loud, edges[:-1], axis=2)
    level = level / (level.max(axis=1, keepdims=True) + 1e-3)  # each band counts alike, but for silence
    rise = np.maximum(level[:, 2 * _AROUND :] - level[:, : -2 * _AROUND], 0).sum(axis=2)
    away_s = hops[_AROUND:-_AROUND] * _HOP_S
    best = (rise * np.exp(-0.5 * (away_s / _LIKELY_S) ** 2)).argmax(axis=1)
    rows = np.arange(len(times_s))
    left, top, right = (rise[rows, np.clip(best + by, 0, rise.shape[1] - 1)] for by in (-1, 0, 1))
    bend = left - 2 * top + right
    between = np.where(bend < 0, np.clip(0.5 * (left - right) / np.minimum(bend, -1e-9), -0.5, 0.5), 0)
    return times_s + away_s[best] + between * _HOP_S, top.astype(np.float64)


def _on_curves(times_s: Floats, heard: Floats, weights: Floats) -> Floats:
    """Each beat on the parabola through the attacks around it, far ones counting little (Huber 1964).

    A parabola, since the beats of a song that gets faster lie on no line.
    """
    import numpy as np

    reach = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    index = np.arange(len(times_s))[:, None] + reach
    inside = (index >= 0) & (index < len(times_s))
    index = index.clip(0, len(times_s) - 1)
    period = np.gradient(times_s)[:, None]
    expected = reach * period
    offset = heard[index] - times_s[:, None] - expected
    same = np.abs(times_s[index] - times_s[:, None] - expected) < _SAME_TEMPO * period * (1 + np.abs(reach))
    base = np.where(inside & same, np.minimum(weights[index], 2.0), 0.0)
    powers = (reach / _NEIGHBOURS) ** np.arange(3)[:, None]
    weight = base
    for _ in range(6):
        matrix = np.einsum("nj,pj,qj->npq", weight, powers, powers) + np.diag(_STIFFNESS)
        curve = np.linalg.solve(matrix, np.einsum("nj,pj,nj->np", weight, powers, offset)[..., None])[..., 0]
        miss = np.abs(offset - np.einsum("np,pj->nj", curve, powers))  # no threads, so the same everywhere
        weight = base * np.minimum(1, _SLACK_S / np.maximum(miss, 1e-9))
    return np.asarray(times_s + np.clip(curve[:, 0], -_REACH * _HOP_S, _REACH * _HOP_S))
