"""Plays a song with whatever player this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import Song
from qmv.media.audio import blocks, inspect

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["PLAYERS", "play", "player", "write_wav"]

PLAYERS = (  # each plays a WAV file and ends with it
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
    ("mpv", "--no-video", "--no-terminal", "--no-config"),
    ("afplay",),
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
)
_WINDOWS = "import sys, winsound; winsound.PlaySound(sys.argv[1], winsound.SND_FILENAME)"


def player() -> list[str] | None:
    """The command that plays a WAV file appended to it; None where there is none."""
    for name, *options in PLAYERS:
        if found := shutil.which(name):
            return [found, *options]
    return [sys.executable, "-c", _WINDOWS] if os.name == "nt" else None


def play(command: list[str], wav: Path, errors: Path) -> subprocess.Popen[bytes]:
    """Starts playing; what the player complains of goes to the file `errors`."""
    with errors.open("wb") as stream:
        return subprocess.Popen(
            [*command, str(wav)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream
        )


def write_wav(song: Song, path: Path) -> float:
    """Writes the song as 16-bit WAV and tells its length in seconds.

    Players skip the encoder delay of an MP3 in different ways; of a WAV, each plays the first sample first.
    """
    info, count = inspect(song.file.path), 0
    with wave.open(str(path), "wb") as file:
        file.setparams((info.channels, 2, info.rate_hz, 0, "NONE", "not compressed"))
        for block in blocks(song):
            count += block.shape[1]
            file.writeframesraw(_pcm(block))
    return count / info.rate_hz


def _pcm(block: npt.NDArray[np.float32]) -> bytes:
    import numpy as np

    return (np.clip(block.T, -1, 1) * 32767).round().astype("<i2").tobytes()
