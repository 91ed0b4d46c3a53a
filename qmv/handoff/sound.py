"""What a timeline has to know of a song's file, from its header."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from qmv.artifacts import Beats, Song
from qmv.handoff.edit import Sound

__all__ = ["sound_of"]


def sound_of(song: Song, beats: Beats, file: str) -> Sound:
    """The song's window by its samples, counted as the renderer counts them; `file` is where the timelines find it."""
    rate_hz, channels, told_s = _header(song.file.path)
    first, samples = round(song.start_s * rate_hz), round(beats.duration_s * rate_hz)
    # a header's length may be a guess, and what was decoded is not
    length = first + samples if song.end_s is None else max(first + samples, round(told_s * rate_hz))
    return Sound(
        file=file, name=song.title, rate_hz=rate_hz, channels=channels, first=first, samples=samples, length=length
    )


def _header(path: Path) -> tuple[int, int, Fraction]:
    """Rate, channels and length in seconds; the length is 0 where the file does not tell it."""
    import av

    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.audio[0]
        length_s = (stream.duration or 0) * (stream.time_base or Fraction(0))
        return stream.codec_context.sample_rate, stream.codec_context.channels, length_s
