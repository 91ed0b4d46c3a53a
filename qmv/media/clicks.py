"""Writes a song with a click on each of its beats: the ear finds what no figure tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import Song
from qmv.media.audio import blocks, inspect, no_sound

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["clicked", "write_clicked"]

_BEAT_HZ, _DOWNBEAT_HZ = 900.0, 1800.0
_LENGTH_S, _DECAY_S = 0.05, 0.010
_SONG_PEAK, _CLICK_PEAK, _LEAST_CLICK = 0.62, 0.36, 0.12  # together below full scale


def clicked(
    samples: npt.NDArray[np.float32], rate_hz: int, times_s: Sequence[float], bar_position: Sequence[int]
) -> npt.NDArray[np.float32]:
    """The signal [channels, n] with clicks that start at the samples nearest to the beats; downbeats click higher.

    The song is turned down where it would clip with them; a quiet song gets quieter clicks.
    """
    import numpy as np

    peak = float(np.abs(samples).max(initial=0.0))
    gain = min(1.0, _SONG_PEAK / peak) if peak else 1.0
    level = min(_CLICK_PEAK, max(_LEAST_CLICK, 0.9 * peak))
    mixed = np.asarray(samples * np.float32(gain), np.float32)
    lasting_s = np.arange(round(_LENGTH_S * rate_hz)) / rate_hz
    low, high = (
        (level * np.cos(2 * np.pi * hz * lasting_s) * np.exp(-lasting_s / _DECAY_S)).astype(np.float32)
        for hz in (_BEAT_HZ, _DOWNBEAT_HZ)
    )
    starts = [round(time_s * rate_hz) for time_s in times_s]
    for start, end, position in zip(starts, [*starts[1:], mixed.shape[1]], bar_position):
        place = mixed[:, start : min(end, start + len(low))]  # a click ends where the next one begins
        place += (high if position == 1 else low)[: place.shape[1]]
    return mixed


def write_clicked(song: Song, times_s: Sequence[float], bar_position: Sequence[int], path: Path) -> None:
    """The song's window as a 16-bit WAV of its own rate and channels, with clicks; raises OSError where it cannot."""
    import io

    import numpy as np
    import soundfile

    parts = list(blocks(song))
    if not parts:
        raise no_sound(song)
    rate_hz = inspect(song.file.path).rate_hz
    mixed = clicked(np.concatenate(parts, axis=1), rate_hz, times_s, bar_position)
    wav = io.BytesIO()  # soundfile tells of a full disk by tracebacks on stderr
    soundfile.write(wav, mixed.T, rate_hz, "PCM_16", format="WAV")
    path.write_bytes(wav.getbuffer())
