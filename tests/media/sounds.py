"""Made songs for the tests of sound, and what two decoders make of a finished file."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from qmv.artifacts import Song
from qmv.media.audio import blocks, mono
from qmv.media.encode import encode_chunk
from qmv.media.mux import join
from qmv.media.sound import SoundSettings, write_sound
from tests.media.helpers import FAST, Samples, chirps, flat_frame
from tests.media.helpers import write_sound as made_file

FPS = Fraction(25)
COPY = SoundSettings(codec="copy")


def wav(path: Path, samples: Samples, rate_hz: int = 44100) -> Path:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
    return made_file(path.with_suffix(".wav"), samples, rate_hz, "pcm_s16le", layout)


def music(seconds: float, rate_hz: int = 44100, channels: int = 2) -> Samples:
    """Chirps over a floor of noise, which is another one in each channel."""
    noise = np.random.default_rng(7).standard_normal((channels, round(seconds * rate_hz))).astype(np.float32)
    return chirps(seconds, rate_hz, channels) * np.float32(0.7) + np.float32(0.02) * noise


def film(folder: Path, tune: Song, settings: SoundSettings) -> Path:
    """The finished file: the song's sound joined with as many frames as it takes."""
    write_sound(folder / "sound.mp4", tune, settings)
    samples, rate_hz = mono(tune)
    frames = [flat_frame(90)] * -int(-len(samples) * FPS // rate_hz)
    encode_chunk(folder / "silent.mp4", frames, FPS, FAST)
    join(folder / "film.mp4", [(0, folder / "silent.mp4")], folder / "sound.mp4", FPS, {})
    return folder / "film.mp4"


def by_pyav(path: Path) -> npt.NDArray[np.float32]:
    """[channels, n] from time 0 on."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        assert frames[0].pts == 0
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def by_ffmpeg(path: Path) -> npt.NDArray[np.float32]:
    """[channels, n] from time 0 on, by the program, which is another version of FFmpeg than PyAV's."""
    import imageio_ffmpeg

    with av.open(str(path)) as container:
        channels = container.streams.audio[0].codec_context.channels
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:a", "-f", "f32le", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, channels).T


def heard(tune: Song) -> npt.NDArray[np.float32]:
    return np.concatenate(list(blocks(tune)), axis=1)
