"""Darker corners, as an old lens gives them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from qmv.api import Effect, Moment, plugin, setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame

    Mask = npt.NDArray[np.float32]

__all__ = ["Vignette"]

_BLACK, _GREY = 16, 128  # of luma, of chroma


@plugin
class Vignette(Effect):
    """Darkens towards the corners, in an ellipse of the format's shape; colours keep their tint."""

    name = "vignette"
    reads = ()
    strength: float = setting("how much darker the very corners are", default=0.35, at_least=0, at_most=1)
    reach: float = setting(
        "where the darkening begins, on the way from the middle to a corner", default=0.4, at_least=0, at_most=0.95
    )

    def apply(self, frame: Frame, at: Moment) -> Frame:
        import cv2

        from qmv.media.frame import Frame

        if self.strength == 0:
            return frame
        width, height = frame.size
        light = _light(width, height, self.strength, self.reach)
        y = cv2.multiply(cv2.subtract(frame.y, _BLACK), light, dtype=cv2.CV_8U)  # type: ignore[call-overload]
        kept, lost, grey = _chroma_shares(width // 2, height // 2, self.strength, self.reach)
        u, v = (cv2.blendLinear(plane, grey, kept, lost) for plane in (frame.u, frame.v))
        return Frame(cv2.add(y, _BLACK), u, v)  # type: ignore[call-overload, arg-type]


@functools.lru_cache(maxsize=8)
def _light(width: int, height: int, strength: float, reach: float) -> Mask:
    """What is left of the light at each sample [height, width], in 0..1."""
    import numpy as np

    x, y = ((np.arange(length) + 0.5) / length * 2 - 1 for length in (width, height))
    radius = np.sqrt((x**2 + y[:, None] ** 2) / 2)  # 1 in a corner
    rise = ((radius - reach) / (1 - reach)).clip(0, 1)
    light: Mask = (1 - strength * rise**2 * (3 - 2 * rise)).astype(np.float32)
    return light


@functools.lru_cache(maxsize=8)
def _chroma_shares(width: int, height: int, strength: float, reach: float) -> tuple[Mask, Mask, npt.NDArray[np.uint8]]:
    import numpy as np

    kept = _light(width, height, strength, reach)
    return kept, 1 - kept, np.full((height, width), _GREY, np.uint8)
