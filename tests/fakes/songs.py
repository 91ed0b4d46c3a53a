"""Made songs in the formats that people send, and files that only look like songs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import soundfile

__all__ = ["FORMATS", "tagged", "with_cover", "written"]

# suffix -> the encoder; None: by libsndfile, in small pieces, which its Vorbis encoder wants
FORMATS = {".wav": None, ".flac": None, ".mp3": None, ".ogg": None, ".m4a": "aac", ".aac": "aac", ".opus": "libopus"}


def written(path: Path, seconds: float = 3.0, rate_hz: int = 44100, codec: str | None = None, **tags: str) -> Path:
    """A mono song with a tone that pulses, in the format of its suffix."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = (0.3 * np.sin(2 * np.pi * 440 * time_s) * (time_s % 0.5 < 0.25)).astype(np.float32)
    codec = codec or FORMATS[path.suffix]
    if codec is not None:
        _encoded(path, samples, rate_hz, codec, tags)
        return path
    kinds = {".ogg": ("OGG", "VORBIS"), ".mp3": ("MP3", None), ".flac": ("FLAC", None), ".wav": ("WAV", None)}
    kind, subtype = kinds[path.suffix]
    with soundfile.SoundFile(path, "w", rate_hz, 1, format=kind, subtype=subtype) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        for start in range(0, len(samples), 4096):
            file.write(samples[start : start + 4096])
    return path


def _encoded(path: Path, samples: np.ndarray, rate_hz: int, codec: str, tags: dict[str, str]) -> None:
    import av

    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=48000 if codec == "libopus" else rate_hz)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=stream.rate)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        for given in (frame, None):
            for part in resampler.resample(given):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def tagged(song: bytes, **frames: str) -> bytes:
    """An MP3 with ID3 tags, such as TIT2 and TPE1, before it."""
    return _with_id3(song, {name: b"\x03" + text.encode() for name, text in frames.items()})


def with_cover(song: bytes, side_px: int) -> bytes:
    """An MP3 with a black picture as its cover, which is small in the file and large where it is decoded."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    squeezed = zlib.compressobj(9)
    row = bytes(1 + 3 * side_px)
    pixels = b"".join(squeezed.compress(row) for _ in range(side_px)) + squeezed.flush()
    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return _with_id3(song, {"APIC": b"\0image/png\0\3\0" + picture})


def _with_id3(song: bytes, frames: dict[str, bytes]) -> bytes:
    body = b"".join(name.encode() + _size(len(text)) + b"\0\0" + text for name, text in frames.items())
    return b"ID3\x04\0\0" + _size(len(body)) + body + song


def _size(count: int) -> bytes:
    """Seven bits a byte, as ID3 writes numbers."""
    return bytes(count >> shift & 127 for shift in (21, 14, 7, 0))
