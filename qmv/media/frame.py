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

    Plane = npt.NDArray[np.uint8]

__all__ = ["Frame"]

# ITU-R BT.709-6, items 3.2 to 3.5: R'G'B' in 0..255 to Y' in 16..235, Cb and Cr in 16..240
_KR, _KB = 0.2126, 0.0722
_KG = 1 - _KR - _KB
_Y, _C = 219 / 255, 224 / 255
_TO_YUV = (
    (_Y * _KR, _Y * _KG, _Y * _KB, 16.0),
    (-_C * _KR / (2 - 2 * _KB), -_C * _KG / (2 - 2 * _KB), _C / 2, 128.0),
    (_C / 2, -_C * _KG / (2 - 2 * _KR), -_C * _KB / (2 - 2 * _KR), 128.0),
)


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

    @classmethod
    def grey(cls, width_px: int, height_px: int, luma: int = 16) -> Frame:
        """A frame without colour; black if nothing else is said."""
        import numpy as np

        neutral = np.full((height_px // 2, width_px // 2), 128, np.uint8)
        return cls(np.full((height_px, width_px), luma, np.uint8), neutral, neutral)

    def black(self) -> Frame:
        """A black frame of the same size."""
        return Frame.grey(*self.size)

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

    def shrunk(self, width_px: int, height_px: int) -> Frame:
        """The same picture with fewer pixels, even numbers of them; each is the mean of what it covers."""
        import cv2
        import numpy as np

        ratio = self.y.shape[1] / width_px
        # the mean lies in the middle of what it covers, and a chroma sample a quarter of its width from the left
        left = 0.25 - 0.25 / ratio
        taps = np.array([[left, 1 - left, 0]], np.float32)

        def area(plane: Plane, width: int, height: int) -> Plane:
            return cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

        u, v = (
            cv2.filter2D(area(plane, width_px // 2, height_px // 2), -1, taps, borderType=cv2.BORDER_REPLICATE)
            for plane in (self.u, self.v)
        )
        return Frame(area(self.y, width_px, height_px), u, v)  # type: ignore[arg-type]

    def mix(self, other: Frame, t: float) -> Frame:
        """(1 - t) of this one and t of the other; t in 0..1, exact at both ends."""
        import cv2

        def blend(a: Plane, b: Plane) -> Plane:
            return cv2.addWeighted(a, 1 - t, b, t, 0)  # type: ignore[return-value]

        return Frame(blend(self.y, other.y), blend(self.u, other.u), blend(self.v, other.v))
