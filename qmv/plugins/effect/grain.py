"""The grain of film."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

from qmv.api import Effect, Moment, plugin, setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame

    Plane = npt.NDArray[np.uint8]

__all__ = ["Grain"]

_BLACK, _WHITE = 16, 235
_SHEETS, _ROOM_PX = 3, 128  # sheets of noise, and how far each is moved about
_DEVIATIONS = 3  # what is farther off is cut off
_LINES = 1080


@plugin
class Grain(Effect):
    """Moving grain in the luma, strongest in the mid-tones; black and white stay clean."""

    name = "grain"
    reads = ("frame",)
    strength: float = setting(
        "standard deviation in the mid-tones, of full white", default=0.015, at_least=0, at_most=0.08
    )
    size_px: float = setting(
        "how wide a grain is where the picture's shorter side has 1080 px", default=2.0, unit="px", at_least=1,
        at_most=8,
    )  # fmt: skip
    seed: int = setting("another seed gives another pattern", default=0)

    def apply(self, frame: Frame, at: Moment) -> Frame:
        from dataclasses import replace

        import cv2

        depths = _depths(self.strength)
        if not depths.any():
            return frame
        width, height = frame.size
        sheets = _sheets(width, height, round(self.size_px * min(width, height) / _LINES, 3), self.seed)
        which, left, top = _place(self.seed, at.frame)
        noise = sheets[which][top : top + height, left : left + width]
        # y - depth + depth * noise / 128: the noise is 128 in the mean, and no step can leave the legal range
        depth = cv2.LUT(frame.y, depths)
        y = cv2.add(cv2.subtract(frame.y, depth), cv2.multiply(depth, noise, scale=1 / 128))
        return replace(frame, y=y)  # type: ignore[arg-type]


def _place(seed: int, frame: int) -> tuple[int, int, int]:
    """The sheet and its offset in a frame: the same for a frame whatever was rendered before it."""
    drawn = hashlib.sha256(f"grain/{seed}/{frame}".encode()).digest()
    return drawn[0] % _SHEETS, drawn[1] % _ROOM_PX, drawn[2] % _ROOM_PX


@functools.lru_cache(maxsize=8)
def _depths(strength: float) -> Plane:
    """The most that the grain adds or takes, for each value of luma [256]."""
    import numpy as np

    y = np.arange(256)
    share = ((y - _BLACK) / (_WHITE - _BLACK)).clip(0, 1)
    depth = _DEVIATIONS * strength * (_WHITE - _BLACK) * np.sqrt(4 * share * (1 - share))
    room = np.minimum(y - _BLACK, _WHITE - y).clip(0)
    depths: Plane = np.minimum(np.rint(depth), room).astype(np.uint8)
    return depths


@functools.lru_cache(maxsize=4)
def _sheets(width: int, height: int, size_px: float, seed: int) -> tuple[Plane, ...]:
    """Noise [height + room, width + room] around 128, softened to the size of a grain."""
    import cv2
    import numpy as np

    random = np.random.default_rng([0x6772, seed & 0xFFFFFFFF])
    shape = (height + _ROOM_PX, width + _ROOM_PX)
    sheets = []
    for _ in range(_SHEETS):
        noise = random.standard_normal(shape, np.float32)
        if size_px > 0.5:
            noise = cv2.GaussianBlur(noise, (0, 0), size_px / 3)  # type: ignore[assignment]
        # a grain that is finer than a pixel is seen as fainter, so that a small video looks like a large one
        noise *= 127 / _DEVIATIONS / noise.std() * min(1.0, size_px)
        sheets.append(np.rint(128 + noise.clip(-127, 127)).astype(np.uint8))
    return tuple(sheets)
