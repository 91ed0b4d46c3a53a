"""What a finished file shows and sounds, from its decoded pictures and samples alone; used by `benchmarks.cuts`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["Screen", "audio_lag_ms", "samples", "pattern_pictures", "watch"]

_THUMB = 16  # pictures are told apart by this many squares a side


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What is on screen, frame by frame: when it is shown, and which picture it is."""

    times_s: list[Fraction]
    pictures: list[int]

    @property
    def cuts(self) -> list[int]:
        """The numbers of the frames at which another picture appears; the first frame is no cut."""
        return [n for n in range(1, len(self.pictures)) if self.pictures[n] != self.pictures[n - 1]]


def pattern_pictures(folder: Path, count: int, width_px: int, height_px: int) -> None:
    """Pictures of 4 x 3 squares in strong colours, no two alike even through a moving camera; the same every time."""
    import cv2
    import numpy as np

    from qmv.media.picture import png

    rng = np.random.default_rng(48)
    folder.mkdir(parents=True)
    for index in range(count):
        squares = rng.choice(np.array([0, 128, 255], np.uint8), (3, 4, 3))
        picture = cv2.resize(squares, (width_px, height_px), interpolation=cv2.INTER_NEAREST)
        (folder / f"{index:03}.png").write_bytes(png(picture))


def watch(video: Path, folder: Path) -> Screen:
    """Decodes every frame and finds the picture of the folder that it is nearest to."""
    import av
    import numpy as np

    from qmv.media.picture import read

    known = np.stack([_thumb(read(file)) for file in sorted(folder.glob("*.png"))])
    times_s, pictures = [], []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            times_s.append(Fraction(frame.pts or 0) * Fraction(frame.time_base or 0))
            away = ((known - _thumb(frame.to_ndarray(format="rgb24"))) ** 2).mean(axis=(1, 2, 3))
            pictures.append(int(away.argmin()))
    return Screen(times_s=times_s, pictures=pictures)


def _thumb(rgb: npt.NDArray[np.uint8]) -> Samples:
    import cv2
    import numpy as np

    return cv2.resize(rgb, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32)


def samples(file: Path) -> tuple[Samples, int, Fraction]:
    """The sound as a player hears it: mono samples laid out by their time stamps from 0, the rate, the first stamp."""
    import av
    import numpy as np

    parts: list[tuple[int, Any]] = []
    with av.open(str(file)) as container:
        stream = container.streams.audio[0]
        rate_hz = stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate_hz)
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                start = round(Fraction(piece.pts or 0) * Fraction(piece.time_base or 0) * rate_hz)
                parts.append((start, piece.to_ndarray()[0]))
    heard = np.zeros(max(start + len(part) for start, part in parts), np.float32)
    for start, part in parts:
        heard[max(0, start) : start + len(part)] = part[max(0, -start) :]
    return heard, rate_hz, Fraction(parts[0][0], rate_hz)


def audio_lag_ms(source: Samples, heard: Samples, rate_hz: int, start_s: float, length_s: float = 5.0) -> float:
    """How much later `heard` is than `source` in a window, by cross-correlation, to a fraction of a sample."""
    import numpy as np

    window = slice(round(start_s * rate_hz), round((start_s + length_s) * rate_hz))
    a, b = source[window], heard[window]
    size = 2 ** int(np.ceil(np.log2(len(a) + len(b))))
    spectrum = np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size)
    match = np.fft.irfft(spectrum, size)
    best = int(match.argmax())
    left, middle, right = (match[(best + step) % size] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    lag = best + (0.5 * (left - right) / bend if bend else 0.0)
    return round(float((lag - size if lag > size / 2 else lag) / rate_hz * 1000), 4) + 0.0
