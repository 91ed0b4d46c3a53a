"""Frames as planes: YUV 4:2:0, 8 bit, BT.709 limited range, chroma sited left as H.264 has it by default.

All that happens to a frame between loading a picture and encoding happens on planes; RGB stays at the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.camera import Affine

    Plane = npt.NDArray[np.uint8]

__all__ = ["Frame", "warp_plane"]

# ITU-R BT.709-6, items 3.2 to 3.5: R'G'B' in 0..255 to Y' in 16..235, Cb and Cr in 16..240
_KR, _KB = 0.2126, 0.0722
_KG = 1 - _KR - _KB
_Y, _C = 219 / 255, 224 / 255
_TO_YUV = (
    (_Y * _KR, _Y * _KG, _Y * _KB, 16.0),
    (-_C * _KR / (2 - 2 * _KB), -_C * _KG / (2 - 2 * _KB), _C / 2, 128.0),
    (_C / 2, -_C * _KG / (2 - 2 * _KR), -_C * _KB / (2 - 2 * _KR), 128.0),
)
_CHROMA_X, _CHROMA_Y = 0.25, 0.5  # where a chroma sample lies in its cell: left, between two lines


@dataclass(frozen=True, eq=False)
class Frame:
    """Planes y [height, width], u and v [height/2, width/2]; never changed in place, so frames can be shared."""

    y: Plane
    u: Plane
    v: Plane

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.y.shape[1], self.y.shape[0]

    @classmethod
    def from_rgb(cls, rgb: Plane) -> Frame:
        """From R'G'B' [height, width, 3] with even width and height."""
        import cv2
        import numpy as np

        yuv = cv2.transform(rgb.astype(np.float32), np.array(_TO_YUV, np.float32))
        luma, *chroma = (np.ascontiguousarray(yuv[..., i]) for i in range(3))
        taps = np.array([0.25, 0.5, 0.25], np.float32)
        pair = np.array([0.5, 0.5], np.float32)
        small = [
            cv2.sepFilter2D(c, -1, taps, pair, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)[::2, ::2] for c in chroma
        ]
        y, u, v = (np.rint(plane).clip(16, top).astype(np.uint8) for plane, top in zip((luma, *small), (235, 240, 240)))
        return cls(y, u, v)

    def rgb(self) -> Plane:
        """To R'G'B' [height, width, 3]."""
        import cv2
        import numpy as np

        width, height = self.size
        up = np.array([[0.5, 0, 0], [0, 0.5, -0.25]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        chroma = [
            cv2.warpAffine(c.astype(np.float32), up, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
            for c in (self.u, self.v)
        ]
        to_yuv = np.array(_TO_YUV)
        to_rgb = np.linalg.inv(to_yuv[:, :3])
        matrix = np.hstack([to_rgb, -to_rgb @ to_yuv[:, 3:]]).astype(np.float32)
        rgb = cv2.transform(np.dstack([self.y.astype(np.float32), *chroma]), matrix)
        return np.rint(rgb).clip(0, 255).astype(np.uint8)

    def warp(self, view: Affine) -> Frame:
        """The frame seen through a camera: luma cubic, chroma linear, edges repeated."""
        import cv2

        return Frame(
            warp_plane(self.y, view, 0.5, 0.5, cv2.INTER_CUBIC),
            warp_plane(self.u, view, _CHROMA_X, _CHROMA_Y, cv2.INTER_LINEAR),
            warp_plane(self.v, view, _CHROMA_X, _CHROMA_Y, cv2.INTER_LINEAR),
        )

    def mix(self, other: Frame, t: float) -> Frame:
        """(1 - t) of this one and t of the other; t in 0..1, exact at both ends."""
        import cv2

        def blend(a: Plane, b: Plane) -> Plane:
            return cv2.addWeighted(a, 1 - t, b, t, 0)  # type: ignore[return-value]

        return Frame(blend(self.y, other.y), blend(self.u, other.u), blend(self.v, other.v))


def warp_plane(plane: Plane, view: Affine, x_site: float, y_site: float, interpolation: int) -> Plane:
    """A plane, or an RGB picture, through a camera; a sample of index i lies at (i + site) / size of the picture."""
    import cv2
    import numpy as np

    height, width = plane.shape[:2]
    linear = np.array([[view.xx, view.xy * width / height], [view.yx * height / width, view.yy]])
    site = np.array([x_site, y_site])
    offset = linear @ site + np.array([view.x0 * width, view.y0 * height]) - site
    return cv2.warpAffine(  # type: ignore[return-value]
        plane,
        np.column_stack([linear, offset]),
        (width, height),
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
