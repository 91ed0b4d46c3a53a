"""What the plan shows of a picture at a frame: small, and through the motion's camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.artifacts import Shot
from qmv.media.camera import IDENTITY, Affine
from qmv.proof.screen import BLUR_PX, blurred, small_size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.api import Motion

    Grey = npt.NDArray[np.float32]

__all__ = ["View"]

_KEPT = 3  # views: of a frame and of its neighbours


class View:
    """The luma of a picture as `shot` shows it; the shot covers all the frames in which the picture is seen."""

    def __init__(self, picture: Path, shot: Shot, motion: Motion, size_px: tuple[int, int]) -> None:
        import cv2
        import numpy as np

        from qmv.media.chunk import load_picture

        self._shot, self._motion, self._size = shot, motion, size_px
        luma = load_picture(picture, *size_px).y
        width, height = small_size(*size_px)
        # twice the size, so that a view that looks closer still has its detail
        twice = min(2 * width, size_px[0]), min(2 * height, size_px[1])
        fine = cv2.resize(luma, twice, interpolation=cv2.INTER_AREA).astype(np.float32)
        self._fine, self._small = blurred(fine, BLUR_PX * twice[0] / width), (height, width)
        self._seen: dict[int, Grey] = {}
        self._last: tuple[Affine | None, Grey] = None, fine

    def at(self, frame: int) -> Grey:
        """[height, width] in 0..255 at a frame; before and after the shot, its first and its last view."""
        import cv2

        from qmv.media.plate import warp_plane

        frame = self._within(frame)
        if frame not in self._seen:
            camera = self._camera(frame)
            if camera != self._last[0]:
                view: Any = warp_plane(self._fine, self._small, camera, interpolation=cv2.INTER_LINEAR)  # type: ignore[arg-type]
                self._last = camera, view
            if len(self._seen) == _KEPT:
                del self._seen[next(iter(self._seen))]
            self._seen[frame] = self._last[1]
        return self._seen[frame]

    def speed_px(self, frame: int) -> float:
        """How far the picture's fastest corner moves, in pixels of the video, to the next frame."""
        here, there = self._camera(frame), self._camera(frame + 1)
        corners = [(x, y) for x in (0, 1) for y in (0, 1)]
        width, height = self._size
        moved = [
            max(abs(a - b) for a, b in zip(_corner(here, *at, width, height), _corner(there, *at, width, height)))
            for at in corners
        ]
        return max(moved)

    def _within(self, frame: int) -> int:
        return min(max(frame, self._shot.start), self._shot.end - 1)

    def _camera(self, frame: int) -> Affine:
        camera = self._motion.camera(self._shot, self._within(frame))
        return camera if isinstance(camera, Affine) else IDENTITY


def _corner(view: Affine, x: int, y: int, width: int, height: int) -> tuple[float, float]:
    return width * (view.xx * x + view.xy * y + view.x0), height * (view.yx * x + view.yy * y + view.y0)
