"""Writes the song's window as the finished video's sound: AAC in a small MP4 of its own, encoded anew or copied.

Its first packets lie before time 0 where players have to skip something; `qmv.media.mux` keeps that, so in every player
that honours edit lists the song's first sample meets the first frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.artifacts import Song
from qmv.media.loudness import Loudness, fitting_gain_db
from qmv.settings import check, setting

__all__ = ["AAC_RATES_HZ", "CODECS", "SoundSettings", "encode_song", "write_sound"]

CODECS = ("aac", "copy")
AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

# What FFmpeg's encoder does best at 256 kbit/s, measured on eight songs. Its defaults (two loops, intensity stereo,
# noise substitution, temporal shaping) take 2.4 to 3.6 times the CPU, and their noise passes the masking threshold in
# 1.3 to 3.7 times as many places: intensity stereo gives up the phase between left and right even where bits abound.
# Two loops are better only in the 6 ms before attacks, by 1 to 5 dB. Temporal shaping gains nothing that was measured.
_CODER = {"aac_coder": "fast", "aac_is": "0", "aac_pns": "0", "aac_tns": "0"}


@dataclass(frozen=True, kw_only=True)
class SoundSettings:
    """How the song becomes the video's sound; `kbps` counts for stereo, mono takes half; `copy` keeps AAC as it is."""

    codec: str = setting("AAC encoded anew, or the song's own AAC copied", default="aac", choices=CODECS)
    kbps: int = setting("bit rate of stereo sound", default=256, unit="kbit/s", at_least=32, at_most=512)
    loudness_lufs: float | None = setting(
        "integrated loudness by EBU R 128", default=None, unit="LUFS", at_least=-40, at_most=-5
    )

    def __post_init__(self) -> None:
        check(self)
        if self.codec == "copy" and self.loudness_lufs is not None:
            raise ValueError(
                "loudness_lufs must be null where sound is copied, since copying changes no sample, "
                f"got {self.loudness_lufs:g}; audio=aac can change the loudness"
            )


def write_sound(path: Path, song: Song, settings: SoundSettings) -> tuple[str, ...]:
    """Writes the sound and tells, in words for the user, where it is not what was asked for.

    Raises InputError where the song cannot be copied.
    """
    if settings.codec == "copy":
        from qmv.media.sound_copy import copy_sound

        return copy_sound(path, song)
    gain_db, notes = 0.0, tuple[str, ...]()
    if settings.loudness_lufs is not None:
        gain_db, notes = fitting_gain_db(*_measured(song), settings.loudness_lufs)
    encode_song(path, song, settings.kbps, gain_db)
    return notes


def encode_song(path: Path, song: Song, bitrate_kbps: int, gain_db: float = 0.0) -> None:
    """Writes the song's window as AAC; the encoder's own delay is marked so that players skip it.

    A rate that AAC players do not all know (96 kHz, for instance) becomes 48 kHz.
    """
    import av

    from qmv.media.audio import inspect

    info = inspect(song.file.path)
    layout = "mono" if info.channels == 1 else "stereo"
    rate_hz = info.rate_hz if info.rate_hz in AAC_RATES_HZ else 48000
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=rate_hz, layout=layout, options=_CODER)
        stream.bit_rate = bitrate_kbps * 1000 // (2 if info.channels == 1 else 1)
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate_hz, frame_size=1024)
        for frame in _frames(song, gain_db):
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def _measured(song: Song) -> tuple[float | None, float | None]:
    """Integrated loudness and true peak of the window, as it is before it is encoded."""
    meter = Loudness()
    for frame in _frames(song):
        meter.add(frame)
    return meter.figures()


def _frames(song: Song, gain_db: float = 0.0) -> Iterator[Any]:
    """The window's samples as FFmpeg's frames at the file's own rate; raises InputError where there is none."""
    import av
    import numpy as np

    from qmv.media.audio import blocks, inspect, no_sound

    rate_hz, position, gain = inspect(song.file.path).rate_hz, 0, np.float32(10 ** (gain_db / 20))
    for block in blocks(song):
        samples = block * gain if gain_db else np.ascontiguousarray(block)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono" if len(block) == 1 else "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, position, Fraction(1, rate_hz)
        position += block.shape[1]
        yield frame
    if not position:
        raise no_sound(song)
