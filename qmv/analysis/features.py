"""What a stretch of music sounds like, a few numbers every eighth of a second: the ground for energy and sections.

One pass of long windows over the song, a block at a time, so that an hour of music needs little more memory than a
minute. All of it is numpy and scipy: librosa's own loops would have to be compiled first.
May be imported from stages and plugins.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from qmv.media.samples import let_go

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Spectra = npt.NDArray[np.float32]

__all__ = ["HOP_S", "Features", "features"]

HOP_S = 0.125
_WINDOW_S = 0.37  # about the 400 ms of momentary loudness, and long enough to tell low notes apart
_BLOCK = 128  # windows at a time: 8 MB of samples at 44.1 kHz
_BANDS = 32
_COEFFICIENTS = 13  # of the cepstrum; the first, which is the level, is left out
_LOWEST_NOTE_HZ, _HIGHEST_NOTE_HZ = 80.0, 2500.0
_FAINT = 3e-6  # of the song's strongest band: what is softer has no colour, so that a fade-out does not change it
_SILENCE = 1e-12  # -120 dB: what a silent window is taken to hold


class Features(NamedTuple):
    """A row every `HOP_S` seconds, the first one centred at 0.

    `loudness_db` [n] is K-weighted (ITU-R BS.1770); `chroma` [n, 12] is the strength of each pitch class, its rows of
    length 1, or 0 where nothing sounds; `timbre` [n, 12] is the cepstrum of 32 mel bands.
    """

    loudness_db: Floats
    chroma: Floats
    timbre: Floats


def features(samples: npt.NDArray[np.float32], rate_hz: int) -> Features:
    """Loudness, harmony and timbre of a mono signal [n] in -1..1; samples that are no numbers count as silence."""
    import numpy as np
    from scipy import fft, sparse

    size = fft.next_fast_len(max(64, round(_WINDOW_S * rate_hz)), real=True)
    hz = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float64)
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    loudness_of, bands_of, notes_of = map(sparse.csr_array, (_k_weights(hz)[None], _mel_bands(hz), _pitch_classes(hz)))
    count = max(1, math.ceil(len(samples) / rate_hz / HOP_S))
    rows: list[tuple[Spectra, Spectra, Spectra]] = []
    for first in range(0, count, _BLOCK):
        windows = _windows(samples, rate_hz, range(first, min(first + _BLOCK, count)), size)
        power = np.square(np.abs(fft.rfft(windows * hann, axis=1)))
        power *= 2 / (size * np.square(hann).sum())  # a window's sum is then its mean square
        rows.append((_shares(power, loudness_of), _shares(power, bands_of), _shares(np.sqrt(power), notes_of)))
        let_go(samples)
    (loudness,), bands, notes = (np.concatenate(parts, axis=1).astype(np.float64) for parts in zip(*rows))
    notes, bands = notes.T, bands.T
    length = np.linalg.norm(notes, axis=1, keepdims=True)
    return Features(
        loudness_db=10 * np.log10(loudness + _SILENCE) - 0.691,
        chroma=np.where(length > 1e-6, notes / np.maximum(length, 1e-6), 0.0),
        timbre=fft.dct(np.log10(bands + _FAINT * bands.max() + _SILENCE), axis=1, norm="ortho")[:, 1:_COEFFICIENTS],
    )


def _shares(spectra: Spectra, weights: Any) -> Spectra:
    """[weights, windows] by a sparse product, which is exact whatever number of threads the machine has."""
    import numpy as np

    return np.asarray(weights @ spectra.T)


def _windows(samples: npt.NDArray[np.float32], rate_hz: int, numbers: range, size: int) -> Spectra:
    """The windows of these numbers, each centred at its moment, zeros beyond the song."""
    import numpy as np

    starts = [round(number * HOP_S * rate_hz) - size // 2 for number in numbers]
    before, after = max(0, -starts[0]), max(0, starts[-1] + size - len(samples))
    part = np.pad(samples[max(0, starts[0]) : starts[-1] + size], (before, after))
    part = np.nan_to_num(part, posinf=0, neginf=0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(part, size)[np.array(starts) - starts[0]])


def _k_weights(hz: Floats) -> Spectra:
    """The power gain of BS.1770's two filters, from the analogue ones that they stand for, so at every rate."""
    import numpy as np

    s = 1j * np.maximum(hz, 1e-3)
    high_pass = s**2 / (s**2 + s * 38.135 / 0.5003 + 38.135**2)
    at, q, high, band = 1681.97, 0.7072, 10 ** (3.99984 / 20), 10 ** (3.99984 / 20 * 0.4997)
    shelf = (high * s**2 + band * s * at / q + at**2) / (s**2 + s * at / q + at**2)
    return np.square(np.abs(high_pass * shelf)).astype(np.float32)


def _mel_bands(hz: Floats) -> Spectra:
    """[bands, bins]: triangles of equal width in mel from 40 Hz to 11 kHz, or to the highest frequency there is."""
    import numpy as np

    low, high = (2595 * np.log10(1 + edge / 700) for edge in (40.0, min(11_000.0, float(hz[-1]))))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (hz[:, None] - left) / (middle - left), (right - hz[:, None]) / (right - middle)
    triangles = np.maximum(0, np.minimum(rising, falling)).T
    return np.asarray(triangles / np.maximum(triangles.sum(axis=1, keepdims=True), 1e-9), np.float32)


def _pitch_classes(hz: Floats) -> Spectra:
    """[12, bins]: how much of each bin belongs to C, C sharp ... B, at 440 Hz for A."""
    import numpy as np

    note = 12 * np.log2(np.maximum(hz, 1.0) / 440) + 9
    away = (note[:, None] - np.arange(12) + 6) % 12 - 6
    octave = np.log2(np.maximum(hz, 1.0) / 440)[:, None]  # as in music, the middle octaves tell most
    share = np.exp(-0.5 * np.square(away / 0.35) - 0.5 * np.square(octave / 1.5))
    share[(hz < _LOWEST_NOTE_HZ) | (hz > _HIGHEST_NOTE_HZ)] = 0
    share[share < 0.01] = 0
    return np.asarray(share.T, np.float32)
