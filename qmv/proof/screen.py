"""What a finished file shows, frame by frame: its luma, made small, and when it is shown.

May be imported by stages; imports `qmv.media` and, inside functions, PyAV and OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.float32]

__all__ = ["SIDE_PX", "Seen", "blurred", "small_size", "watch"]

SIDE_PX = 96  # of the longer side: the camera's path can be followed to a tenth of a frame, at little cost
BLUR_PX = 0.7  # takes away the detail that a linear view would alias


@dataclass(frozen=True, eq=False)
class Seen:
    """Frame `number` as it is decoded: when it is shown, its luma [height, width] in 0..255, and the brightest one."""

    number: int
    time_s: Fraction
    luma: Grey
    brightest: float


def small_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Width and height at which frames are compared."""
    scale = min(1.0, SIDE_PX / max(width_px, height_px))
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def watch(path: Path, threads: int = 1) -> Iterator[Seen]:
    """Decodes every frame in showing order; holds one frame at a time."""
    import av
    import numpy as np

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO" if threads > 1 else "NONE"
        stream.codec_context.thread_count = threads
        size = small_size(stream.codec_context.width, stream.codec_context.height)
        for number, frame in enumerate(container.decode(stream)):
            small = _shrunk(_luma(frame), size)
            time_s = Fraction(frame.pts or 0) * Fraction(frame.time_base or 0)
            yield Seen(number, time_s, blurred(small.astype(np.float32), BLUR_PX), float(small.max()))


def _shrunk(luma: Any, size: tuple[int, int]) -> Any:
    """Area averages; halved as long as that is exact, which is ten times as quick as one odd step."""
    import cv2

    height, width = luma.shape
    while width >= 4 * size[0] and height >= 4 * size[1] and width % 2 == height % 2 == 0:
        width, height = width // 2, height // 2
        luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA)


def blurred(grey: Grey, sigma_px: float) -> Grey:
    """A little softer, so that what is compared holds no detail finer than a pixel."""
    import cv2

    return cv2.GaussianBlur(grey, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _luma(frame: Any) -> Any:
    """The luma plane without a copy where the file holds planes of bytes, as H.264 mostly does."""
    import numpy as np

    if not frame.format.name.startswith(("yuv4", "yuvj4")) or frame.format.components[0].bits != 8:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
