"""Looks at a stranger's song in a process of its own: what breaks FFmpeg, or makes it eat memory, breaks nothing else.

`python -m qmv.service.intake.song_look FILE MOST_S` prints one line of JSON: what the song is, or in `error` what is
wrong.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from qmv.errors import InputError
from qmv.media.audio import READABLE

__all__ = ["SUFFIXES", "look"]

# container, as FFmpeg calls it -> what a file of it is called here, and the codecs that it may hold
SUFFIXES = {"mp3": ".mp3", "wav": ".wav", "flac": ".flac", "ogg": ".ogg", "mov": ".m4a", "aac": ".aac", "aiff": ".aiff"}
_CODECS = {
    "mp3": r"mp3.*", "wav": r"pcm_([suf]\d+le|u8|alaw|mulaw)|mp3.*", "flac": r"flac", "ogg": r"vorbis|(lib)?opus|flac",
    "mov": r"aac|alac|mp3.*", "aac": r"aac", "aiff": r"pcm_([suf]\d+(be|le)|s8|alaw|mulaw)",
}  # fmt: skip
_RATES_HZ = (8000, 384_000)
_MOST_CHANNELS = 8
_DECODED = 50  # packets, some of which have to hold sound

_PATIENCE_S = 40.0
_CPU_S = 20
_MEMORY_BYTES = 4 << 30  # of addresses, which libraries take more of than of memory
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP")


# -- the side that asks ----------------------------------------------------------------------------------------------


def look(path: Path, most_s: float, where: str) -> dict[str, Any]:
    """What the other process found: suffix, title, artist, duration_s. Raises InputError, whose sentence begins with
    `where`, for what is no song that can be taken."""
    said = _said([sys.executable, "-m", "qmv.service.intake.song_look", str(path), repr(float(most_s))])
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError as error:
        raise InputError(f"{where}: cannot be read, it is damaged or no song; {READABLE}.") from error
    if "error" in found:
        raise InputError(str(found["error"]).replace(f"song ({path})", where))
    return found


def _said(command: list[str]) -> bytes:
    """What a process prints, as far as it comes in time. It gets nothing of the environment that may be secret."""
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[3]), *sys.path]))
    if not hasattr(os, "posix_spawn"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=False
            ).stdout
        return b""
    import posix  # what gevent puts into `os` and `subprocess` can only be used in the main thread

    reading, writing = os.pipe()
    try:
        try:
            pid = posix.posix_spawn(sys.executable, command, environ, file_actions=_files(writing))
        finally:
            os.close(writing)
        try:
            return _read(reading)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # gevent's loop may have seen it end
                posix.waitpid(pid, 0)
    finally:
        os.close(reading)


def _files(writing: int) -> list[tuple[Any, ...]]:
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]


def _read(pipe: int) -> bytes:
    said, until = b"", time.monotonic() + _PATIENCE_S
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while (left_s := until - time.monotonic()) > 0 and waiting.select(left_s):
            if not (piece := os.read(pipe, 65536)):
                return said
            said += piece
    return b""


# -- the side that looks ---------------------------------------------------------------------------------------------


def _look(path: Path, most_s: float) -> dict[str, Any]:
    from qmv.media.audio import inspect, opened
    from qmv.media.length import sounding_s

    with opened(path) as container:
        track = container.streams.audio[0]
        kind, codec = container.format.name.partition(",")[0], track.codec_context
        if kind not in SUFFIXES or not re.fullmatch(_CODECS[kind], codec.name):
            raise InputError(f"song ({path}): its kind of sound ({kind}, {codec.name}) is not taken; {READABLE}.")
        if not _RATES_HZ[0] <= codec.sample_rate <= _RATES_HZ[1]:
            low, high = _RATES_HZ
            raise InputError(
                f"song ({path}): has {codec.sample_rate} samples a second, a song has {low} to {high}; {READABLE}."
            )
        if not 1 <= codec.channels <= _MOST_CHANNELS:
            raise InputError(
                f"song ({path}): has {codec.channels} channels, at most {_MOST_CHANNELS} are taken; mix it down."
            )
        if not _sounds(container):
            raise InputError(f"song ({path}): has no sound in it, or is damaged; {READABLE}.")
    about = inspect(path)
    return {
        "suffix": SUFFIXES[kind], "title": about.title, "artist": about.artist, "duration_s": sounding_s(path, most_s),
    }  # fmt: skip


def _sounds(container: Any) -> bool:
    """Whether its beginning can be decoded to sound."""
    import av

    with contextlib.suppress(av.FFmpegError):  # the file ends within a packet
        for packet in itertools.islice(container.demux(audio=0), _DECODED):
            with contextlib.suppress(av.FFmpegError, ValueError):
                if any(frame.samples for frame in packet.decode()):
                    return True
    return False


def _bound() -> None:
    """Ends this process where a file wants more than songs want."""
    if sys.platform == "win32":
        return
    import resource

    for what, most in ((resource.RLIMIT_CPU, _CPU_S), (resource.RLIMIT_AS, _MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):  # not all systems have all of them
            resource.setrlimit(what, (most, most))
    os.nice(5)


def _main(path: str, most_s: str) -> None:
    _bound()
    try:
        found = _look(Path(path), float(most_s))
    except InputError as error:
        found = {"error": str(error)}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
