"""How loud a song feels from moment to moment, on a scale of its own: 0 is its calmest, 1 its loudest.

May be imported from stages and plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.analysis.features import HOP_S, Features

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["LEVELS", "STEP_S", "energy_curve", "level"]

LEVELS = ("calm", "normal", "loud")
STEP_S = 0.5

_SMOOTH_S = 2.0
_SILENT_DB = -70.0  # EBU R 128's absolute gate
_QUIET_DB = -20.0  # EBU Tech 3342's relative gate: fade-outs and pauses do not stretch the scale
_LEAST_RANGE_DB = 9.0  # what lies within a third of it, all through the song, is normal


def level(energy: float) -> str:
    """The word for an energy in 0..1: 'calm' below 1/3, 'loud' from 2/3 on, else 'normal'.

    The scale is the song's own range of loudness, but at least 9 dB wide and centred: so each third is at least 3 dB,
    and a song that stays within 3 dB is normal all through.
    """
    return LEVELS[0] if energy < 1 / 3 else LEVELS[2] if energy >= 2 / 3 else LEVELS[1]


def energy_curve(heard: Features, count: int) -> Floats:
    """`count` energies in 0..1, one for each moment 0, 0.5 s, 1 s ...

    Loudness over two seconds; 0 and 1 are the 5th and 95th percentile of what is not silent or a pause (EBU Tech 3342
    measures a programme's loudness range in this way).
    """
    import numpy as np

    loudness_db = _smooth_db(heard.loudness_db)
    low, high = _scale_db(loudness_db)
    energy = np.where(loudness_db < _SILENT_DB, 0.0, np.clip((loudness_db - low) / (high - low), 0.0, 1.0))
    at = np.minimum(np.round(np.arange(count) * STEP_S / HOP_S).astype(int), len(energy) - 1)
    return np.asarray(energy[at], np.float64)


def _smooth_db(loudness_db: Floats) -> Floats:
    """The mean power under a Hann window; at the ends, under the part of it that lies within the song."""
    import numpy as np

    window = np.hanning(round(_SMOOTH_S / HOP_S) + 3)[1:-1]
    power = np.convolve(10 ** (loudness_db / 10), window, "full")
    weight = np.convolve(np.ones(len(loudness_db)), window, "full")
    inside = slice(len(window) // 2, len(window) // 2 + len(loudness_db))
    return np.asarray(10 * np.log10(power[inside] / weight[inside]), np.float64)


def _scale_db(loudness_db: Floats) -> tuple[float, float]:
    """The loudness of energy 0 and of energy 1."""
    import numpy as np

    sounding = loudness_db[loudness_db >= _SILENT_DB]
    if not len(sounding):
        return _SILENT_DB, 0.0
    mean_db = 10 * np.log10(np.mean(10 ** (sounding / 10)))
    low, high = np.percentile(sounding[sounding >= mean_db + _QUIET_DB], (5, 95))
    spare = max(0.0, _LEAST_RANGE_DB - (high - low)) / 2
    return float(low - spare), float(high + spare)
