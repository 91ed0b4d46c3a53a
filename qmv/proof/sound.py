"""Whether the sound of a finished file is the song, when it begins, and when it ends: from samples.

The loudest stretch near the start and near the end of the song is looked for in the file by cross-correlation, to a
fraction of a sample. Nothing longer than those stretches is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.artifacts import Song
from qmv.proof.song import Stretch, ends

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["Heard", "Lag", "SoundProof", "lag", "prove_sound"]

_SEARCH_S = 0.5  # how far the sound is looked for
_ALIKE = 0.25  # normalised correlation; below this it is not the song
_AS_GOOD = 0.98  # of the best correlation
_SAME_S, _CLOSE_BY_S = (
    0.001,
    0.1,
)  # places that are as good do not matter nearer than that, and repeat the music farther
_TREBLE = 0.95  # how much of each sample the next one takes with it
_FULL_SCALE = 1 - 1 / 32768


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How much later the file's sound is; None where it cannot be told, and `other` where it is another sound."""

    late_s: float | None
    other: bool = False


@dataclass(frozen=True, kw_only=True)
class SoundProof:
    """Durations are seconds from time 0 of the file, and of the song's window. Peaks: see `qmv.media.loudness`."""

    start: Lag
    end: Lag
    song_s: Fraction
    audio_s: Fraction | None
    clipped: int
    loudness_lufs: float | None
    true_peak_db: float | None


def prove_sound(path: Path, song: Song) -> SoundProof:
    """Decodes the song and the file's sound once each."""
    from qmv.media.loudness import Loudness

    head, tail, song_s = ends(song)
    ears = [Heard(stretch) for stretch in (head, tail) if stretch is not None]
    loudness, clipped, end_s = Loudness(), 0, None
    for frame, samples, start_s, rate_hz in _decoded(path):
        loudness.add(frame)
        clipped += int((abs(samples) >= _FULL_SCALE).sum())
        end_s = start_s + Fraction(samples.shape[1], rate_hz)
        for ear in ears:
            ear.add(samples, start_s, rate_hz)
    lags = iter([ear.lag() for ear in ears])
    lufs, peak_db = loudness.figures()
    return SoundProof(
        start=Lag(late_s=None) if head is None else next(lags),
        end=Lag(late_s=None) if tail is None else next(lags),
        song_s=song_s,
        audio_s=end_s,
        clipped=clipped,
        loudness_lufs=lufs,
        true_peak_db=peak_db,
    )


def _decoded(path: Path) -> Iterator[tuple[Any, Samples, Fraction, int]]:
    """(frame, samples [channels, n], when they are played, rate); nothing where there is no sound."""
    import av

    with av.open(str(path)) as container:
        if not container.streams.audio:
            return
        rate_hz, layout = container.streams.audio[0].codec_context.sample_rate, None
        resampler: Any = None
        for frame in container.decode(audio=0):
            if resampler is None:
                layout = frame.layout.name
                resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate_hz)
            start_s = Fraction(frame.pts or 0) * Fraction(frame.time_base or 0)
            for piece in resampler.resample(frame):
                yield piece, piece.to_ndarray(), start_s, rate_hz


# -- the file --------------------------------------------------------------------------------------------------------


class Heard:
    """Keeps what a file plays around a stretch of the song, to compare the two."""

    def __init__(self, stretch: Stretch) -> None:
        self._stretch = stretch
        self._first_s = stretch.start_s - Fraction(_SEARCH_S)
        self._last_s = stretch.start_s + Fraction(len(stretch.samples), stretch.rate_hz) + Fraction(_SEARCH_S)
        self._parts: list[tuple[Fraction, Samples]] = []
        self._rate_hz = stretch.rate_hz

    def add(self, samples: Samples, start_s: Fraction, rate_hz: int) -> None:
        """Samples [channels, n] of the file, the first of which are played at `start_s`."""
        self._rate_hz = rate_hz
        if start_s < self._last_s and start_s + Fraction(samples.shape[1], rate_hz) > self._first_s:
            self._parts.append((start_s, samples.mean(axis=0)))

    def lag(self) -> Lag:
        """How late the stretch is heard."""
        import numpy as np

        rate_hz, wanted = self._rate_hz, _at_rate(self._stretch, self._rate_hz)
        # laid out by their times, as a player does it: a gap stays a gap
        room = len(wanted) + 2 * round(_SEARCH_S * rate_hz)
        heard = np.zeros(room, np.float32)
        origin = math.floor(self._first_s * rate_hz)
        for start_s, samples in self._parts:
            at = round(start_s * rate_hz) - origin
            part = samples[max(0, -at) : max(0, room - at)]
            heard[max(0, at) : max(0, at) + len(part)] = part
        return lag(wanted, heard, rate_hz, origin - float(self._stretch.start_s * rate_hz))


def lag(wanted: Samples, heard: Samples, rate_hz: int, first: float) -> Lag:
    """How late `wanted` is in `heard`, which begins `first` samples after it.

    A bass note fits as well a period later; so where there is more than one good place, the treble decides.
    """
    scores = _correlation(heard, wanted)
    if float(scores.max()) < _ALIKE:
        return Lag(late_s=None, other=True)
    if (at := _place(scores, rate_hz, first)) is None:
        scores = _correlation(_treble(heard), _treble(wanted))
        at = _place(scores, rate_hz, first) if float(scores.max()) >= _ALIKE else None
    return Lag(late_s=None if at is None else at / rate_hz)


def _place(scores: npt.NDArray[Any], rate_hz: int, first: float) -> float | None:
    """The best place in samples, a fraction of one included; None where others close by are as good."""
    import numpy as np

    places = np.arange(len(scores)) + first
    peaks = _peaks(scores, _AS_GOOD * float(scores.max()))
    peak = min(peaks, key=lambda at: abs(places[at]))  # a beat that repeats itself is not taken for another
    if any(_SAME_S < abs(at - peak) / rate_hz < _CLOSE_BY_S for at in peaks):
        return None
    if not 0 < peak < len(scores) - 1:
        return float(places[peak])
    left, top, right = (float(x) for x in scores[peak - 1 : peak + 2])
    bend = left - 2 * top + right
    return float(places[peak]) + (0.5 * (left - right) / bend if bend < 0 else 0.0)


def _treble(samples: Samples) -> Samples:
    return samples[1:] - _TREBLE * samples[:-1]


def _correlation(heard: Samples, wanted: Samples) -> npt.NDArray[Any]:
    """How alike `wanted` is to each part of `heard`, up to 1; by NumPy, since importing SciPy takes longer."""
    import numpy as np

    long, short = (x.astype(np.float64) - x.mean(dtype=np.float64) for x in (heard, wanted))
    power = np.concatenate([[0.0], np.cumsum(long**2)])
    energy = power[len(short) :] - power[: -len(short)]
    scale = np.sqrt(np.maximum(energy, energy.max() * 1e-4 + 1e-12) * float((short**2).sum()))
    size = 1 << (len(long) - 1).bit_length()
    spectrum = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    return np.fft.irfft(spectrum, size)[: len(scale)] / scale  # type: ignore[no-any-return]


def _peaks(scores: npt.NDArray[Any], least: float) -> Iterable[int]:
    import numpy as np

    padded = np.concatenate([[-np.inf], scores, [-np.inf]])
    is_peak = (scores >= padded[:-2]) & (scores >= padded[2:]) & (scores >= least)
    return [int(at) for at in np.flatnonzero(is_peak)] or [int(scores.argmax())]


def _at_rate(stretch: Stretch, rate_hz: int) -> Samples:
    """The samples at the file's rate; resampling moves nothing, since its filter is symmetric."""
    if stretch.rate_hz == rate_hz:
        return stretch.samples
    import numpy as np
    from scipy.signal import resample_poly  # takes almost two seconds to load

    ratio = Fraction(rate_hz, stretch.rate_hz)
    made: Any = resample_poly(stretch.samples, ratio.numerator, ratio.denominator)
    return made.astype(np.float32)  # type: ignore[no-any-return]
