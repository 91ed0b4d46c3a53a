"""Made sounds and frames for the tests of qmv.media and qmv.stages, and the way back from a file to numbers."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from scipy import signal

from qmv.artifacts import File, Song
from qmv.media.frame import Frame
from qmv.plugins.encoder.x264 import X264

FAST = X264(preset="ultrafast", crf=18.0).coding()
B_FRAMES = X264(preset="veryfast", crf=18.0).coding()
NTSC = Fraction(24000, 1001)

Samples = npt.NDArray[np.float32]


def song(path: Path, start_s: float = 0.0, end_s: float | None = None, title: str = "Night Train") -> Song:
    return Song(file=File.of(path), title=title, artist="The Pier", start_s=start_s, end_s=end_s)


def chirps(duration_s: float, rate_hz: int, channels: int = 1) -> Samples:
    """Short sweeps at uneven times in front of silence: [channels, n], and no two places of it are alike."""
    samples = np.zeros(round(duration_s * rate_hz), np.float32)
    t = np.arange(round(0.06 * rate_hz)) / rate_hz
    sweep = 0.6 * np.sin(math.tau * (300 * t + 9000 * t**2)) * np.hanning(len(t))
    at_s = 0.11
    while at_s < duration_s - 0.1:
        first = round(at_s * rate_hz)
        samples[first : first + len(t)] += sweep[: len(samples) - first]
        at_s += 0.17 + 0.05 * math.sin(7 * at_s)
    return np.tile(samples, (channels, 1))


def write_sound(path: Path, samples: Samples, rate_hz: int, codec: str, layout: str, **tags: str) -> Path:
    """Encodes [channels, n] with one of FFmpeg's codecs; the container follows from the suffix."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(codec, rate=rate_hz, layout=layout)
        kind = stream.codec_context.codec.audio_formats[0].name
        size = stream.codec_context.frame_size or 0
        resampler = av.AudioResampler(format=kind, layout=layout, rate=rate_hz, frame_size=size or None)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def read_sound(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """What a player plays from time 0 on, as one mono signal: edit lists and skipped samples are followed."""
    parts: list[npt.NDArray[Any]] = []
    with av.open(str(path)) as container:
        rate_hz = container.streams.audio[0].codec_context.sample_rate
        start = None
        for frame in container.decode(audio=0):
            start = Fraction(frame.pts) * frame.time_base if start is None and frame.pts is not None else start
            values = frame.to_ndarray().astype(np.float64)
            values = (
                values.reshape(frame.layout.nb_channels, -1)
                if frame.format.is_planar
                else values.reshape(-1, frame.layout.nb_channels).T
            )
            parts.append(values.mean(axis=0))
    heard = np.concatenate(parts)
    offset = round((start or Fraction(0)) * rate_hz)
    return (np.concatenate([np.zeros(offset), heard]) if offset > 0 else heard[-offset:]), rate_hz


def lag_s(heard: npt.NDArray[Any], wanted: npt.NDArray[Any], rate_hz: int) -> float:
    """How much later `heard` is than `wanted`, by the peak of their cross-correlation, to a fraction of a sample."""
    scores = signal.correlate(heard, wanted, mode="full", method="fft")
    peak = int(np.argmax(scores))
    left, top, right = scores[peak - 1 : peak + 2]
    return float(peak + 0.5 * (left - right) / (left - 2 * top + right) - (len(wanted) - 1)) / rate_hz


def flat_frame(y: int, u: int = 128, v: int = 128, width: int = 64, height: int = 36) -> Frame:
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return Frame(*(np.full(shape, value, np.uint8) for shape, value in zip(shapes, (y, u, v))))


def flat_rgb(colour: tuple[int, int, int], width: int = 64, height: int = 36) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def decoded(path: Path) -> tuple[list[npt.NDArray[np.uint8]], list[Fraction]]:
    """The luma planes of a video in showing order, and their times in seconds."""
    planes, times = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            planes.append(frame.reformat(format="yuv420p").to_ndarray()[: frame.height].copy())
            times.append(frame.pts * Fraction(frame.time_base))
    return planes, times


def edge_px(plane: npt.NDArray[np.uint8], axis: int) -> float:
    """Where the only edge of a plane lies, in its own samples from its first edge on."""
    line = plane.astype(float).mean(axis=1 - axis)
    return float(((line - line[-1]) / (line[0] - line[-1])).sum())


def edge_places(frame: Frame, axis: int) -> tuple[float, float, float]:
    """The edge in luma pixels, in each plane; chroma is sited left, so its first sample begins half a pixel early."""
    start = 0.5 if axis == 1 else 0.0
    return (edge_px(frame.y, axis), *(2 * edge_px(plane, axis) - start for plane in (frame.u, frame.v)))


def two_colours(axis: int) -> Frame:
    rgb = flat_rgb((220, 30, 40))
    if axis == 1:
        rgb[:, 24:] = (20, 60, 230)
    else:
        rgb[14:] = (20, 60, 230)
    return Frame.from_rgb(rgb)
