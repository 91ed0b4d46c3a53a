"""Copies a song's own AAC packets instead of encoding them again, for the whole song or a window of it.

What counts as the song is what `qmv.media.audio` decodes: packets are decoded here to count the samples that each one
gives, so encoder delay, edit lists and missing time stamps all end up where that module has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qmv.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from qmv.artifacts import Song

__all__ = ["copy_sound", "refuse_to_copy"]

_FRAME = 1024  # samples of a packet of AAC-LC
_EVERYWHERE_HZ = 48000
_INSTEAD = "audio=aac encodes it"


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A packet and the samples of the song that it gives, `start` before its frame's own first sample is trimmed."""

    packet: Any
    start: int
    end: int


def copy_sound(path: Path, song: Song) -> tuple[str, ...]:
    """Writes the window's packets, the first one before time 0 so far that the window's first sample is at 0.

    Raises InputError for a song that is no AAC-LC in mono or stereo. The notes are words for the user.
    """
    import av

    from qmv.media.audio import inspect, no_sound

    rate_hz = inspect(song.file.path).rate_hz
    first = round(song.start_s * rate_hz)
    last = None if song.end_s is None else round(song.end_s * rate_hz)
    with _opened(song) as source, av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream_from_template(source.streams.audio[0], opaque=False)
        stream.time_base = Fraction(1, rate_hz)
        empty = True
        for piece in _window(_pieces(song, source), first, last):
            end = piece.end if last is None else min(piece.end, last)
            packet = piece.packet
            packet.stream, packet.time_base = stream, Fraction(1, rate_hz)
            packet.pts = packet.dts = piece.start - first
            packet.duration = end - piece.start
            out.mux(packet)
            empty = False
        if empty:
            raise no_sound(song)
    if rate_hz > _EVERYWHERE_HZ:
        return (f"the sound stays at {rate_hz} Hz, which not every player knows: audio=aac makes it 48000 Hz",)
    return ()


def refuse_to_copy(song: Song) -> None:
    """Raises InputError where the file says already that its sound cannot be copied."""
    _opened(song).close()


def _window(pieces: Iterator[_Piece], first: int, last: int | None) -> Iterator[_Piece]:
    """The pieces with samples of the window, and the one before them, which the decoder overlaps with the first."""
    before: _Piece | None = None
    for piece in pieces:
        if last is not None and piece.start >= last:
            return
        if piece.end <= first:
            before = piece
            continue
        if before is not None:
            yield before
            before = None
        yield piece


def _pieces(song: Song, source: Any) -> Iterator[_Piece]:
    """Each packet with its place in the song; one that holds nothing but encoder delay lies before 0."""
    import av

    position, ahead, cut = 0, None, False
    for packet in source.demux(audio=0):
        try:
            made = sum(frame.samples for frame in packet.decode())
        except av.FFmpegError:
            continue  # damaged: left out, as `qmv.media.audio` does
        if made > _FRAME:
            raise _other_kind(song)
        if not made:
            ahead, cut = packet, position > 0
            continue
        if cut:
            raise _pieced(song)
        start = position if position else made - _FRAME  # the first is trimmed at its front, any other at its end
        if ahead is not None:
            yield _Piece(packet=ahead, start=start - _FRAME, end=start)
            ahead = None
        cut = position > 0 and made < _FRAME
        position += made
        yield _Piece(packet=packet, start=start, end=position)


def _opened(song: Song) -> Any:
    """The song's file; raises InputError where it is nothing that can be copied."""
    import av

    source = av.open(str(song.file.path), metadata_errors="replace")
    context = source.streams.audio[0].codec_context
    where, error = f"song ({song.file.path})", None
    if context.name != "aac":
        error = InputError(f"{where}: its sound is {context.codec.canonical_name}, only AAC can be copied; {_INSTEAD}.")
    elif context.channels > 2:
        error = InputError(f"{where}: has {context.channels} channels, only mono and stereo can be copied; {_INSTEAD}.")
    elif context.profile != "LC":
        error = _other_kind(song)
    if error is not None:
        source.close()
        raise error
    return source


def _other_kind(song: Song) -> InputError:
    return InputError(
        f"song ({song.file.path}): its sound is another AAC than AAC-LC (HE-AAC, for instance), "
        f"only AAC-LC can be copied; {_INSTEAD}."
    )


def _pieced(song: Song) -> InputError:
    return InputError(
        f"song ({song.file.path}): was cut without encoding it anew (a packet in its middle is not played whole), "
        f"only whole packets can be copied; {_INSTEAD}."
    )
