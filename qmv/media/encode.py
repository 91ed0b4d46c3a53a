"""Encodes one chunk of frames into a small MP4 of its own.

A chunk is one closed GOP from one single-threaded encoder, so its bytes depend on nothing but its frames and settings.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.media.coding import Coding, ffmpeg_program

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["encode_chunk", "even"]

_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix all have the code point 1
_LIMITED = 1
_TOO_SHORT_TO_REORDER = 2  # frames


def encode_chunk(path: Path, frames: Iterable[Frame], fps: Fraction, coding: Coding) -> int:
    """Writes the frames as one closed GOP and tells how many; a frame object that repeats is not copied again."""
    import av

    if coding.program_options:
        return _encode_by_program(path, frames, fps, coding)
    count, last, picture = 0, None, None
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = None
        for frame in frames:
            if frame is not last:
                picture, last = _video_frame(frame), frame
            assert picture is not None
            if stream is None:
                stream = _stream(container, frame.size, fps, coding)
            picture.pts, picture.time_base = count, 1 / fps
            container.mux(stream.encode(picture))
            count += 1
        if stream is not None:
            for packet in stream.encode(None):
                if count <= _TOO_SHORT_TO_REORDER:  # x265 says at random when these are decoded
                    packet.dts = packet.pts
                container.mux(packet)
    return count


def _stream(container: Any, size: tuple[int, int], fps: Fraction, coding: Coding) -> Any:
    stream = container.add_stream(coding.codec, rate=fps, options=dict(coding.options))
    stream.width, stream.height = size
    stream.pix_fmt = coding.pixel_format
    stream.time_base = 1 / fps
    context = stream.codec_context
    context.thread_count = 1
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    if coding.sample_entry:
        context.codec_tag = coding.sample_entry
    return stream


def _encode_by_program(path: Path, frames: Iterable[Frame], fps: Fraction, coding: Coding) -> int:
    """The same by the program ffmpeg; raises OSError with its last words where it fails."""
    import numpy as np

    count = 0
    with tempfile.TemporaryFile() as words:
        program = None
        try:
            for frame in frames:
                if program is None:
                    command = _command(path, frame.size, fps, coding)
                    program = subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words,
                        start_new_session=True,  # Ctrl-C is for the run, which ends this with its worker
                    )  # fmt: skip
                assert program.stdin is not None
                for plane in (frame.y, frame.u, frame.v):
                    program.stdin.write(np.ascontiguousarray(plane).data)
                count += 1
        except BrokenPipeError:
            pass  # the program says why
        except BaseException:
            if program is not None:
                program.kill()
            raise
        finally:
            if program is not None:
                program.communicate()
        if program is not None and program.returncode:
            words.seek(0)
            told = words.read().decode(errors="replace").strip().splitlines()
            raise OSError(told[0] if told else f"ffmpeg ended with {program.returncode}")
    return count


def _command(path: Path, size: tuple[int, int], fps: Fraction, coding: Coding) -> list[str]:
    width, height = size
    return [
        ffmpeg_program(), "-hide_banner", "-loglevel", "error", "-y", *coding.program_options,
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-",
        *(("-vf", coding.filters) if coding.filters else ()), "-c:v", coding.codec, "-threads", "1",
        *(part for key, value in coding.options for part in (f"-{key}", value)),
        "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv", str(path),
    ]  # fmt: skip


def _video_frame(frame: Frame) -> Any:
    import av
    import numpy as np

    picture = av.VideoFrame(*frame.size, "yuv420p")
    for target, plane in zip(picture.planes, (frame.y, frame.u, frame.v)):
        lines = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)  # lines are padded in memory
        lines[: plane.shape[0], : plane.shape[1]] = plane
    picture.color_range, picture.colorspace = _LIMITED, _BT709
    return picture


def even(length: float) -> int:
    """The nearest even number of pixels, at least 2."""
    return max(2, round(length / 2) * 2)
