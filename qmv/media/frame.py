"""Frames as planes: YUV 4:2:0, 8 bit, BT.709 limited range, chroma sited left as H.264 has it by default.

All that happens to a frame between loading a picture and encoding happens on planes; RGB stays at the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.camera import Affine

    Plane = npt.NDArray[np.uint8]

__all__ = ["Frame", "Plate", "warp_plane"]

# ITU-R BT.709-6, items 3.2 to 3.5: R'G'B' in 0..255 to Y' in 16..235, Cb and Cr in 16..240
_KR, _KB = 0.2126, 0.0722
_KG = 1 - _KR - _KB
_Y, _C = 219 / 255, 224 / 255
_TO_YUV = (
    (_Y * _KR, _Y * _KG, _Y * _KB, 16.0),
    (-_C * _KR / (2 - 2 * _KB), -_C * _KG / (2 - 2 * _KB), _C / 2, 128.0),
    (_C / 2, -_C * _KG / (2 - 2 * _KR), -_C * _KB / (2 - 2 * _KR), 128.0),
)
_SHARPEN = 0.1
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

        matrix = np.array(_TO_YUV, np.float32)
        taps = np.array([0.25, 0.5, 0.25], np.float32)
        pair = np.array([0.5, 0.5], np.float32)
        # chroma is wanted at half the size only, so the picture is filtered and halved before it is converted
        half = cv2.sepFilter2D(rgb, cv2.CV_32F, taps, pair, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)[::2, ::2]
        y = np.rint(cv2.transform(rgb.astype(np.float32), matrix[:1])).astype(np.uint8)
        chroma = np.rint(cv2.transform(np.ascontiguousarray(half), matrix[1:])).astype(np.uint8)
        u, v = (np.ascontiguousarray(chroma[..., i]) for i in range(2))
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

    def black(self) -> Frame:
        """A black frame of the same size."""
        import numpy as np

        return Frame(np.full_like(self.y, 16), np.full_like(self.u, 128), np.full_like(self.v, 128))

    def save(self, path: Path) -> None:
        """Writes the bare planes, y then u then v."""
        path.write_bytes(b"".join(plane.tobytes() for plane in (self.y, self.u, self.v)))

    @classmethod
    def load(cls, path: Path, width_px: int, height_px: int) -> Frame:
        """What `save` wrote; raises ValueError for a file of another size."""
        import numpy as np

        planes = np.fromfile(path, np.uint8)
        luma, chroma = width_px * height_px, width_px * height_px // 4
        y, u, v, rest = np.split(planes, [luma, luma + chroma, luma + 2 * chroma])
        if len(v) != chroma or len(rest):
            raise ValueError(f"{path} holds no planes of {width_px} x {height_px} pixels")
        half = (height_px // 2, width_px // 2)
        return cls(y.reshape(height_px, width_px), u.reshape(half), v.reshape(half))

    def mix(self, other: Frame, t: float) -> Frame:
        """(1 - t) of this one and t of the other; t in 0..1, exact at both ends."""
        import cv2

        def blend(a: Plane, b: Plane) -> Plane:
            return cv2.addWeighted(a, 1 - t, b, t, 0)  # type: ignore[return-value]

        return Frame(blend(self.y, other.y), blend(self.u, other.u), blend(self.v, other.v))


@dataclass(frozen=True, eq=False)
class Plate:
    """A picture made ready for a moving camera: its luma at twice the size, so that looking through a camera is one
    linear interpolation, which is quicker than a cubic one and exact in its position.
    """

    frame: Frame
    luma: Plane

    @classmethod
    def of(cls, frame: Frame) -> Plate:
        import cv2
        import numpy as np

        width, height = frame.size
        large = cv2.resize(frame.y, (2 * width, 2 * height), interpolation=cv2.INTER_LANCZOS4)
        # makes up for what linear interpolation will soften; measured against a Lanczos-6 warp (docs/benchmarks.md)
        taps = np.array([-_SHARPEN, 1 + 2 * _SHARPEN, -_SHARPEN], np.float32)
        return cls(frame, cv2.sepFilter2D(large, -1, taps, taps, borderType=cv2.BORDER_REPLICATE))  # type: ignore[arg-type]

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
