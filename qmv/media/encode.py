"""Encodes one chunk of frames into a small MP4 of its own.

A chunk is one closed GOP from one single-threaded x264, so its bytes depend on nothing but its frames and settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.artifacts import Song

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["PRESETS", "X264", "encode_chunk", "even", "tags", "x264_params"]

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")

_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix all have the code point 1
_LIMITED = 1
_CPU_AVX_512F = 13  # OpenCV's number for it, which its Python module does not name


@dataclass(frozen=True, kw_only=True)
class X264:
    """Encoder settings. `crf` in 0..51, lower is better; `preset` trades CPU time for bytes."""

    preset: str
    crf: float


def encode_chunk(path: Path, frames: Iterable[Frame], fps: Fraction, x264: X264) -> int:
    """Writes the frames as H.264 and tells how many; a frame object that repeats is not copied again."""
    import av

    count, last, picture = 0, None, None
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = None
        for frame in frames:
            if frame is not last:
                picture, last = _video_frame(frame), frame
            assert picture is not None
            if stream is None:
                stream = _h264_stream(container, frame.size, fps, x264)
            picture.pts, picture.time_base = count, 1 / fps
            container.mux(stream.encode(picture))
            count += 1
        if stream is not None:
            container.mux(stream.encode(None))
    return count


def x264_params() -> str:
    """What makes a chunk one closed GOP with the same bytes each time.

    x264's macroblock tree reads memory that it never wrote where it runs on AVX-512 and has B-frames (core 165; seen at
    320x192 and 1080x1920: other bytes at every try), so there it is held to AVX2, which gives SSE4's bytes.
    """
    import cv2

    params = "threads=1:lookahead-threads=1:keyint=infinite:scenecut=0:open-gop=0:stitchable=1"
    return f"{params}:asm=avx2" if cv2.checkHardwareSupport(_CPU_AVX_512F) else params


def _h264_stream(container: Any, size: tuple[int, int], fps: Fraction, x264: X264) -> Any:
    options = {"preset": x264.preset, "crf": f"{x264.crf:g}", "x264-params": x264_params()}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.time_base = 1 / fps
    context = stream.codec_context
    context.thread_count = 1
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    return stream


def _video_frame(frame: Frame) -> Any:
    import av
    import numpy as np

    picture = av.VideoFrame(*frame.size, "yuv420p")
    for target, plane in zip(picture.planes, (frame.y, frame.u, frame.v)):
        lines = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)  # lines are padded in memory
        lines[: plane.shape[0], : plane.shape[1]] = plane
    picture.color_range, picture.colorspace = _LIMITED, _BT709
    return picture


def tags(song: Song) -> dict[str, str]:
    """What the finished file says of itself."""
    return {"title": song.title} | ({"artist": song.artist} if song.artist else {})


def even(length: float) -> int:
    """The nearest even number of pixels, at least 2."""
    return max(2, round(length / 2) * 2)
