"""Decodes songs, exactly to the sample: encoder delay is skipped, and a window is cut by counting samples."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.artifacts import Song
from qmv.errors import InputError

if TYPE_CHECKING:
    import av
    import numpy as np
    import numpy.typing as npt

__all__ = ["AudioInfo", "blocks", "inspect", "mono", "opened", "sample_count"]

log = logging.getLogger("qmv")

READABLE = "give a song as mp3, wav, flac, ogg, opus or m4a"
_LONGEST_TAG = 500
# FFmpeg also reads lists of other files and addresses, whatever a file is called; these hold their sound themselves
_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,"
    "mpc8,mpeg,mpegts,nut,ogg,rm,sox,tak,tta,voc,w64,wav,wv,xwma"
)


@dataclass(frozen=True, kw_only=True)
class AudioInfo:
    """What a file says of itself; `channels` is 1 or 2, more are mixed down to 2."""

    rate_hz: int
    channels: int
    title: str
    artist: str


def inspect(path: Path) -> AudioInfo:
    """Raises InputError for a file that is missing, empty, or has no sound in it."""
    with opened(path) as container:
        stream = container.streams.audio[0]
        tags = {key.lower(): value for key, value in {**stream.metadata, **container.metadata}.items()}
        return AudioInfo(
            rate_hz=stream.codec_context.sample_rate,
            channels=min(2, stream.codec_context.channels),
            title=tags.get("title", "")[:_LONGEST_TAG].strip(),
            artist=tags.get("artist", "")[:_LONGEST_TAG].strip(),
        )


def blocks(song: Song) -> Iterator[npt.NDArray[np.float32]]:
    """The song's window as blocks [channels, n] in -1..1 at the file's own rate; needs the memory of one block."""
    info = inspect(song.file.path)
    first = round(song.start_s * info.rate_hz)
    last = None if song.end_s is None else round(song.end_s * info.rate_hz)
    position = 0
    for block in _decode(song.file.path, info):
        start, end = position, position + block.shape[1]
        position = end
        if last is not None and start >= last:
            return
        if end > first:
            yield block[:, max(0, first - start) : None if last is None else last - start]


def mono(song: Song) -> tuple[npt.NDArray[np.float32], int]:
    """The song's window as one mono signal [n] and its rate; raises InputError where the window holds no sample."""
    import numpy as np

    heard = bytearray()  # grows in its place: parts to be joined would be in memory twice
    for block in blocks(song):
        heard += block.mean(axis=0, dtype=np.float32).data.cast("B")
    if not heard:
        raise no_sound(song)
    return np.frombuffer(heard, np.float32), inspect(song.file.path).rate_hz


def sample_count(song: Song) -> tuple[int, Fraction]:
    """How many samples the window holds, and how many seconds exactly."""
    count = sum(block.shape[1] for block in blocks(song))
    return count, Fraction(count, inspect(song.file.path).rate_hz)


def no_sound(song: Song) -> InputError:
    """The sentence for a window without a single sample."""
    if song.end_s is not None:
        window = f"from start_s={song.start_s:g} to end_s={song.end_s:g}"
        return InputError(f"song ({song.file.path}): has no sound {window}; choose another window.")
    if song.start_s > 0:
        return InputError(
            f"song ({song.file.path}): has no sound after start_s={song.start_s:g}; choose an earlier start_s."
        )
    return InputError(f"song ({song.file.path}): has no sound in it; {READABLE}.")


def opened(path: Path) -> av.container.InputContainer:
    """The file, with at least one track of sound; raises InputError where there is none."""
    import av

    try:
        there = path.exists()
    except OSError as error:  # a name that is too long
        raise InputError(f"song ({path}): cannot be read ({error.strerror}); check the path.") from error
    if not there:
        raise InputError(
            f"song ({path}): there is no such file{_elsewhere(path)}; check the path, or put it into quotes."
        )
    if path.is_dir():
        raise InputError(f"song ({path}): is a folder; for all songs in it: -m 'song=glob(*)' songs_dir={path}.")
    if not path.is_file():
        raise InputError(f"song ({path}): is no regular file; {READABLE}.")
    if path.stat().st_size == 0:
        raise InputError(f"song ({path}): the file is empty; {READABLE}.")
    try:
        container = av.open(str(path), metadata_errors="replace", options=_bounds())
    except av.ArgumentError as error:  # of a kind that holds no sound of its own, such as a list of files
        raise InputError(f"song ({path}): has no sound in it; {READABLE}.") from error
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"song ({path}): cannot be read as audio ({reason}); {READABLE}.") from error
    if not container.streams.audio or not container.streams.audio[0].codec_context.sample_rate:
        container.close()
        raise InputError(f"song ({path}): has no sound in it; {READABLE}.")
    return container


def _elsewhere(path: Path) -> str:
    """Where the path of a missing file leads, if that is another one; '' where something is there, since then a folder
    on the way is what is missing."""
    place = os.path.realpath(path)
    return "" if place == str(path) or os.path.lexists(place) else f" at {place}"


@functools.cache
def _bounds() -> dict[str, str]:
    """What FFmpeg may take a file for, and what of it it may decode to know it: no cover, whose few bytes may be
    gigabytes of picture."""
    from av.codec.codec import Codec, UnknownCodecError, codecs_available

    sounds = []
    for name in codecs_available:
        with contextlib.suppress(UnknownCodecError):
            if (codec := Codec(name, "r")).type == "audio":
                sounds.append(codec.name)
    return {"format_whitelist": _CONTAINERS, "codec_whitelist": ",".join(sounds)}


def _decode(path: Path, info: AudioInfo) -> Iterator[npt.NDArray[np.float32]]:
    import av

    layout = "mono" if info.channels == 1 else "stereo"
    damaged = 0
    with opened(path) as container:
        # only between whole numbers does FFmpeg hold a mix of many channels within full scale
        many = container.streams.audio[0].codec_context.channels > 2
        resampler = av.AudioResampler(format="s32p" if many else "fltp", layout=layout, rate=info.rate_hz)
        for packet in container.demux(audio=0):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                damaged += 1
                continue
            for frame in frames:
                frame.pts = None  # the samples are counted here; broken time stamps must not make gaps
                yield from _arrays(resampler.resample(frame))
        yield from _arrays(resampler.resample(None))
    if damaged:
        log.warning("song: %s has %d damaged packets, left out", path, damaged)


def _arrays(frames: list[Any]) -> Iterator[npt.NDArray[np.float32]]:
    import numpy as np

    for frame in frames:
        if frame.samples:
            block = frame.to_ndarray()
            if block.dtype == np.int32:
                block = (block / 2**31).astype(np.float32)
            # float files may hold anything; past 4 (12 dB over full scale) the AAC encoder does not come back
            yield np.clip(np.nan_to_num(block, posinf=0, neginf=0), -4, 4)
