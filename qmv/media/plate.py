"""Pictures made ready for a moving camera, and the views through it, on planes.

A plate has its luma at twice the size, so that a view is one linear interpolation: quicker than a cubic one, closer to
the truth, and exact in its position.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmv.media.camera import Affine
from qmv.media.frame import Frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Plane = npt.NDArray[np.uint8]

__all__ = ["Plate", "ZoomPlate", "warp_plane", "zoom_centre"]

_SHARPEN = 0.1  # makes up for what linear interpolation softens; measured against a Lanczos-6 warp (docs/benchmarks.md)
_LOBES = 4
_CHROMA_X, _CHROMA_Y = 0.25, 0.5  # where a chroma sample lies in its cell: left, between two lines
_NEAR_PX = 0.25  # how far off the asked place a picture's farthest corner may be for the quick way's sake
_SMALLEST_VIEW = 0.7


@dataclass(frozen=True, eq=False)
class Plate:
    """A picture for any camera: a view takes 2.6 ms of CPU at 1024x1024."""

    frame: Frame
    luma: Plane

    @classmethod
    def of(cls, frame: Frame) -> Plate:
        return cls(frame, _enlarged(frame.y))

    def through(self, view: Affine) -> Frame:
        """The picture seen through a camera, edges repeated."""
        import cv2

        sited = (_CHROMA_X, _CHROMA_Y)
        u, v = (
            warp_plane(plane, plane.shape, view, site=sited, source_site=sited, interpolation=cv2.INTER_LINEAR)
            for plane in (self.frame.u, self.frame.v)
        )
        y = warp_plane(self.luma, self.frame.y.shape, view, interpolation=cv2.INTER_LINEAR)
        return Frame(y, u, v)


@dataclass(frozen=True, eq=False)
class ZoomPlate:
    """A picture for a camera that moves straight towards one point of it, at a third of the CPU of `Plate`.

    The four quarters around the point are kept, mirrored so that the point is their top left corner: then a view is a
    resize of each from that corner, whose positions OpenCV counts exactly, and no general warp. The luma is that of
    `Plate`; chroma is up to 0.08 of its samples off at the smallest view, 0.03 at one of 0.88.
    """

    size: tuple[int, int]
    centre: tuple[int, int]
    quarters: tuple[tuple[Plane, ...], ...]  # of y at twice the size, of u, of v

    @classmethod
    def of(cls, frame: Frame, centre: tuple[int, int]) -> ZoomPlate:
        """`centre` is the point in whole, even pixels from the top left corner."""
        x, y = centre
        return cls(
            frame.size,
            centre,
            (
                _quarters(_enlarged(frame.y), 2 * x, 2 * y),
                _quarters(frame.u, x // 2, y // 2),
                _quarters(frame.v, x // 2, y // 2),
            ),
        )

    def through(self, view: Affine) -> Frame:
        """The picture seen through a camera of which `zoom_centre` gave the centre."""
        (width, height), (x, y) = self.size, self.centre
        luma, *chroma = self.quarters
        return Frame(
            _from_quarters(luma, (height, width), (x, y), (view.xx, view.yy), 2),
            *(
                _from_quarters(quarters, (height // 2, width // 2), (x // 2, y // 2), (view.xx, view.yy), 1)
                for quarters in chroma
            ),
        )


def zoom_centre(views: Sequence[Affine], width_px: int, height_px: int) -> tuple[int, int] | None:
    """The point, in even pixels, that stands still in all these views; None where there is none to a quarter of a
    pixel, or a view is turned, mirrored, larger than the picture or smaller than 0.7 of it."""
    if any(view.xy or view.yx or not all(_SMALLEST_VIEW <= side <= 1 for side in (view.xx, view.yy)) for view in views):
        return None
    x = _standing([(view.xx, view.x0) for view in views], width_px)
    y = _standing([(view.yy, view.y0) for view in views], height_px)
    return None if x is None or y is None else (x, y)


def _standing(axis: Sequence[tuple[float, float]], length_px: int) -> int | None:
    scale, start = min(axis)
    if scale == 1:
        return None
    centre = 2 * round(start * length_px / (1 - scale) / 2)
    off_px = max(abs(x0 * length_px - centre * (1 - side)) for side, x0 in axis)
    return centre if 0 <= centre <= length_px and off_px <= _NEAR_PX else None


def _quarters(plane: Plane, x: int, y: int) -> tuple[Plane, ...]:
    """Right and lower, left and lower, right and upper, left and upper."""
    import numpy as np

    return tuple(
        np.ascontiguousarray(part)
        for part in (plane[y:, x:], plane[y:, :x][:, ::-1], plane[:y, x:][::-1], plane[:y, :x][::-1, ::-1])
    )


def _from_quarters(
    quarters: Sequence[Plane],
    shape: tuple[int, int],
    centre: tuple[int, int],
    view: tuple[float, float],
    finer: int,
) -> Plane:
    """A plane of `shape`: `view` is how much of the picture it shows across and down, `finer` the quarters' scale."""
    import cv2
    import numpy as np

    made = np.empty(shape, np.uint8)
    x, y = centre
    step_x, step_y = view[0] * finer, view[1] * finer
    places = ((made[y:, x:], None), (made[y:, :x], 1), (made[:y, x:], 0), (made[:y, :x], -1))
    for quarter, (place, mirror) in zip(quarters, places, strict=True):
        height, width = place.shape
        if not height or not width:
            continue
        # two samples more than are needed, so that no seen one is interpolated with the edge
        part = quarter[: math.ceil(height * step_y) + 2, : math.ceil(width * step_x) + 2]
        seen = _resized(part, step_x, step_y)[:height, :width]
        if mirror is None:
            place[:] = seen
        else:
            cv2.flip(seen, mirror, dst=place)
    return made


def _resized(plane: Plane, step_x: float, step_y: float) -> Plane:
    """A plane read in steps of so many samples from its top left corner on, to its edges or a bit less."""
    import cv2
    import numpy as np

    height, width = plane.shape
    if (round(height / step_y), round(width / step_x)) != plane.shape:
        return cv2.resize(plane, None, fx=1 / step_x, fy=1 / step_y, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
    # OpenCV would take it for a copy, which is up to half a sample off at the far corner
    matrix = np.array([[step_x, 0, step_x / 2 - 0.5], [0, step_y, step_y / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _enlarged(plane: Plane) -> Plane:
    """A plane at twice the size by Lanczos' filter, a little sharpened: both filters across, then both down."""
    import cv2
    import numpy as np

    height, width = plane.shape
    before, after = (np.array(taps, np.float32) for taps in _half_steps())
    # filter2D takes a quarter of sepFilter2D's time here, and rounding in between costs less than 1 dB of 55
    across = [cv2.filter2D(plane, -1, taps[None], borderType=cv2.BORDER_REPLICATE) for taps in (before, after)]
    wide = cv2.merge(across).reshape(height, 2 * width)
    large = np.empty((2 * height, 2 * width), np.uint8)
    for row, taps in enumerate((before, after)):
        large[row::2] = cv2.filter2D(wide, -1, taps[:, None], borderType=cv2.BORDER_REPLICATE)
    return large


@functools.cache
def _half_steps() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The filters that give the samples a quarter of a step before and after each one, sharpened by their neighbours
    in the enlarged plane; Turkowski, Filters for Common Resampling Tasks, 1990."""
    reach = range(-_LOBES - 1, _LOBES + 2)

    def lanczos(place: float) -> dict[int, float]:
        raw = {tap: _sinc(tap - place) * _sinc((tap - place) / _LOBES) for tap in reach if abs(tap - place) < _LOBES}
        total = sum(raw.values())
        return {tap: weight / total for tap, weight in raw.items()}

    def sharpened(place: float) -> tuple[float, ...]:
        shares = ((place - 0.5, -_SHARPEN), (place, 1 + 2 * _SHARPEN), (place + 0.5, -_SHARPEN))
        return tuple(sum(share * lanczos(at).get(tap, 0.0) for at, share in shares) for tap in reach)

    return sharpened(-0.25), sharpened(0.25)


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def warp_plane(
    source: Plane,
    shape: tuple[int, ...],
    view: Affine,
    *,
    site: tuple[float, float] = (0.5, 0.5),
    source_site: tuple[float, float] = (0.5, 0.5),
    interpolation: int | None = None,
) -> Plane:
    """A plane, or an RGB picture, of `shape` (height, width) seen through a camera; cubic if nothing else is said.

    A sample of index i lies at (i + site) / size of the picture; `source` may have another size than the result.
    """
    import cv2
    import numpy as np

    height, width = shape[:2]
    scale = np.array([source.shape[1] / width, source.shape[0] / height])
    linear = np.array([[view.xx, view.xy * width / height], [view.yx * height / width, view.yy]])
    offset = linear @ np.array(site) + np.array([view.x0 * width, view.y0 * height])
    matrix = np.column_stack([linear, offset]) * scale[:, None]
    matrix[:, 2] -= source_site
    flags = (cv2.INTER_CUBIC if interpolation is None else interpolation) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(source, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
