"""A small zoom on each beat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qmv.api import Affine, Effect, Moment, plugin, setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame

    Plane = npt.NDArray[np.uint8]

__all__ = ["Pulse"]

_BLACK, _WHITE = 16, 235
_SMALL_PX = 16  # of a quarter: smaller ones have no room for what is interpolated
_SEEN_PX = 0.25  # a corner that is less off stays where it is


@plugin
class Pulse(Effect):
    """Zooms towards the middle at a beat and falls back, smooth to a fraction of a pixel."""

    name = "pulse"
    reads = ("beat_phase",)
    zoom: float = setting("how much larger the picture is at the beat", default=0.02, at_least=0, at_most=0.5)
    decay: float = setting("how quickly it falls back within a beat", default=6.0, above=0, at_most=50)

    def view(self, at: Moment) -> Affine:
        side = 1 / (1 + self._zoom(at))
        return Affine(side, 0.0, (1 - side) / 2, 0.0, side, (1 - side) / 2)

    def apply(self, frame: Frame, at: Moment) -> Frame:
        import cv2

        from qmv.media.frame import Frame

        scale = 1 + self._zoom(at)
        if max(frame.size) / 2 * (scale - 1) < _SEEN_PX:
            return frame
        # a cubic filter overshoots at hard edges
        y = cv2.min(cv2.max(_enlarged(frame.y, scale, cv2.INTER_CUBIC), _BLACK), _WHITE)  # type: ignore[call-overload]
        return Frame(y, *(_enlarged(plane, scale, cv2.INTER_LINEAR) for plane in (frame.u, frame.v)))

    def _zoom(self, at: Moment) -> float:
        return 0.0 if at.beat_phase is None else self.zoom * math.exp(-self.decay * at.beat_phase)


def _enlarged(plane: Plane, scale: float, interpolation: int) -> Plane:
    """The plane around its middle; in mirrored quarters, since OpenCV enlarges exactly from the top left corner on and
    does so in a fifth of the time that a warp takes."""
    import cv2
    import numpy as np

    made = np.empty_like(plane)
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    if min(height, width) < _SMALL_PX or plane.shape[0] % 2 or plane.shape[1] % 2:
        return _warped(plane, scale)
    # three samples more than are seen, so that no seen one is interpolated with the edge
    rows, columns = (min(length, math.ceil(length / scale) + 3) for length in (height, width))
    if (round(rows * scale), round(columns * scale)) == (rows, columns):
        return _warped(plane, scale)  # OpenCV would take it for a copy
    for down, across, mirror in ((1, 1, None), (1, 0, 1), (0, 1, 0), (0, 0, -1)):
        top, left = height - (0 if down else rows), width - (0 if across else columns)
        part = plane[top : top + rows, left : left + columns]
        if mirror is not None:
            part = cv2.flip(part, mirror)  # type: ignore[assignment]
        seen = cv2.resize(part, None, fx=scale, fy=scale, interpolation=interpolation)[:height, :width]
        place = made[height * down : height * (down + 1), width * across : width * (across + 1)]
        if mirror is None:
            place[:] = seen
        else:
            cv2.flip(seen, mirror, dst=place)
    return made


def _warped(plane: Plane, scale: float) -> Plane:
    """The same by a general warp, for planes and zooms of less than a pixel that cannot be had quickly."""
    import cv2
    import numpy as np

    height, width = plane.shape
    matrix = np.array(
        [[1 / scale, 0, (width - 1) / 2 * (1 - 1 / scale)], [0, 1 / scale, (height - 1) / 2 * (1 - 1 / scale)]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
