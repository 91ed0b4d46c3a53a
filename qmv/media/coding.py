"""What FFmpeg is told about encoding pictures, and whether this machine can do it."""

from __future__ import annotations

import functools
import re
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qmv.errors import PluginError, QmvError
from qmv.media.probe import probe

__all__ = ["AS_BT709", "Coding", "ffmpeg_program", "refusal", "words_of"]

# what the frames are; without it the program takes them for BT.601 and turns them into other colours
AS_BT709 = "setparams=range=limited:color_primaries=bt709:color_trc=bt709:colorspace=bt709"

_TRIAL_PX, _TRIAL_FRAMES = 256, 12


@dataclass(frozen=True, kw_only=True)
class Coding:
    """`codec` is FFmpeg's name of an encoder, `options` are its own; each chunk is one closed GOP of it.

    With `program_options` the frames go to the program `ffmpeg` (extra `qmv[ffmpeg]`), these options before its input
    and `filters` behind it, which begin with AS_BT709: what needs a device's own frames cannot be reached through the
    library.
    """

    codec: str
    options: tuple[tuple[str, str], ...]
    pixel_format: str = "yuv420p"
    sample_entry: str = ""  # the name of the codec in an MP4, where FFmpeg's own choice is not played everywhere
    program_options: tuple[str, ...] = ()
    filters: str = ""


def ffmpeg_program() -> str:
    """The path of the ffmpeg that imageio-ffmpeg brings; raises PluginError where it is not installed."""
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped]
    except ImportError as error:
        raise PluginError(
            "ffmpeg: needs the package imageio-ffmpeg, which is not installed; "
            "install it with: python -m pip install imageio-ffmpeg"
        ) from error
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@functools.cache
def refusal(coding: Coding) -> str:
    """Why this machine cannot encode like that, in FFmpeg's own words; '' where a short trial goes well."""
    import av

    from qmv.media.encode import encode_chunk
    from qmv.media.frame import Frame

    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)  # else FFmpeg's reason is not kept
    try:
        with tempfile.TemporaryDirectory(prefix="qmv-trial-") as folder, av.logging.Capture():
            frames = [Frame.grey(_TRIAL_PX, _TRIAL_PX, 40 + 12 * number) for number in range(_TRIAL_FRAMES)]
            encode_chunk(Path(folder, "trial.mp4"), frames, Fraction(24), coding)
            made = probe(Path(folder, "trial.mp4"))
    except (av.FFmpegError, OSError, ValueError, TypeError, AttributeError) as error:
        return words_of(error)
    except QmvError as error:
        return str(error).rstrip(".")
    finally:
        av.logging.set_level(level)
    found, wanted = (made.frames, made.width_px, made.height_px), (_TRIAL_FRAMES, _TRIAL_PX, _TRIAL_PX)
    return "" if found == wanted else f"of {wanted} frames, width and height it made {found}"


def words_of(error: Exception) -> str:
    """FFmpeg's reason stands in its log; the error itself says no more than 'operation not permitted'."""
    log = getattr(error, "log", None)
    if log:
        return " ".join(str(log[2]).split())
    if type(error).__name__ == "UnknownCodecError":
        return "this build has no encoder of that name"
    words = getattr(error, "strerror", None) or str(error)
    return re.sub(r"^\[.*?\] ", "", words).rstrip(".")
