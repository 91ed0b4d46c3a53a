"""Beats by dynamic programming (Ellis 2007), as librosa has it."""

from __future__ import annotations

import functools
import importlib.util
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.api import Tracker, plugin, setting
from qmv.artifacts import Beats, Hints

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Librosa"]

_RATE_HZ = 22050
_WINDOW = 2048
_HOP = 256  # 11.6 ms
_BLOCK = 4096  # spectra at a time: a whole song's would take 200 MB a minute
_QUIET = 0.003  # -50 dB of the loudest: where the song has not begun, or is over
_SHORTEST_S = 1.0  # less than two beats at 120 a minute: nothing to find a pulse in


@plugin
class Librosa(Tracker):
    """Quick, and good on steady music; it knows no bars. Beats come 28 to 45 ms late."""

    name = "librosa"
    libraries = ("librosa", "numpy", "scipy")
    start_bpm: float = setting("tempo to expect", default=120.0, unit="beats/min", at_least=30, at_most=300)
    tightness: float = setting("how strictly beats follow the tempo", default=100.0, above=0, at_most=10_000)

    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        import numpy as np

        duration_s = Fraction(len(samples), rate_hz)
        times: list[float] = []
        if duration_s >= _SHORTEST_S:
            _compile_alone()
            times = self._times_s(samples, rate_hz, hints)
        tempo = 60 / float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        return Beats(
            times_s=tuple(times),
            bar_position=(0,) * len(times),
            tempo_bpm=round(tempo, 3),
            confidence=0.5 if times else 0.0,
            duration_s=duration_s,
        )

    def _times_s(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> list[float]:
        import librosa
        import numpy as np
        import scipy.stats

        low, high = hints.tempo_range_bpm or (0.0, 0.0)
        mel = _mel_power(librosa.resample(samples, orig_sr=rate_hz, target_sr=_RATE_HZ))
        onsets = librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=_RATE_HZ, n_fft=_WINDOW, hop_length=_HOP)
        _, frames = librosa.beat.beat_track(
            onset_envelope=onsets,
            sr=_RATE_HZ,
            hop_length=_HOP,
            start_bpm=self.start_bpm,
            tightness=self.tightness,
            bpm=hints.bpm,
            prior=scipy.stats.uniform(low, high - low) if high else None,
            trim=False,  # it would also leave out the beats of a quiet end
        )
        frames = frames[_sounding(np.sqrt(mel.sum(axis=0)), frames)]
        return [round(float(t), 6) for t in librosa.frames_to_time(frames, sr=_RATE_HZ, hop_length=_HOP)]


@functools.cache
def _compile_alone() -> None:
    """Tracks a made signal, once a process, while no other process does.

    numba compiles librosa's inner loops at their first use and keeps them on disk; two processes that do so at the same
    time spoil its index, and one of them then runs the wrong code, which ends in a segmentation fault (numba 0.68).
    """
    _find_numba_a_cache()
    import numpy as np
    from filelock import FileLock

    clicks = np.zeros(3 * _RATE_HZ, np.float32)
    clicks[:: _RATE_HZ // 2] = 1
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    with FileLock(Path(tempfile.gettempdir()) / f"qmv-numba-{user}.lock"):
        Librosa()._times_s(clicks, _RATE_HZ, Hints())


def _mel_power(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mel power spectra [128, n] of a signal, window after window as librosa centres them, in little memory."""
    import librosa
    import numpy as np

    padded = np.pad(signal, _WINDOW // 2)
    count = 1 + (len(padded) - _WINDOW) // _HOP
    blocks = [
        librosa.feature.melspectrogram(
            y=padded[first * _HOP : (min(first + _BLOCK, count) - 1) * _HOP + _WINDOW],
            sr=_RATE_HZ,
            n_fft=_WINDOW,
            hop_length=_HOP,
            center=False,
            fmax=_RATE_HZ / 2,
        )
        for first in range(0, count, _BLOCK)
    ]
    return np.concatenate(blocks, axis=1)


def _find_numba_a_cache() -> None:
    """numba, inside librosa, refuses to work where neither its packages' folder nor the user's can be written."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    package = importlib.util.find_spec("librosa")
    places = [home, home.parent, Path(package.origin or "").parent if package else home]
    if not any(os.access(place, os.W_OK) for place in places):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "qmv-numba"))


def _sounding(loudness: npt.NDArray[np.float32], frames: npt.NDArray[np.int64]) -> slice:
    """The beats between the song's first and last sound."""
    import numpy as np

    heard = np.flatnonzero(loudness > _QUIET * loudness.max())
    if not len(heard):
        return slice(0)
    return slice(int(np.searchsorted(frames, heard[0] - 1)), int(np.searchsorted(frames, heard[-1] + 1)))
