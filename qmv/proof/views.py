"""What the plan shows of a picture at a frame: small, through the motion's camera and what effects do to it."""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["View", "behind"]

_KEPT = 6  # views: of a frame and of its neighbours, and as many without or with other effects


class View:
    """The luma of a picture as `shot` shows it; the shot covers all the frames in which the picture is seen, and `bent`
    tells where effects take the points of a frame from."""

    def __init__(
        self, picture: Path, shot: Shot, motion: Motion, size_px: tuple[int, int], bent: Callable[[int], Affine]
    ) -> None:
        import cv2
        import numpy as np

        from qmv.media.chunk import load_picture

        self._shot, self._motion, self._size, self._bent = shot, motion, size_px, bent
        luma = load_picture(picture, *size_px).y
        width, height = small_size(*size_px)
        # twice the size, so that a view that looks closer still has its detail
        twice = min(2 * width, size_px[0]), min(2 * height, size_px[1])
        fine = cv2.resize(luma, twice, interpolation=cv2.INTER_AREA).astype(np.float32)
        self._fine, self._small = blurred(fine, BLUR_PX * twice[0] / width), (height, width)
        self._seen: dict[Affine, Grey] = {}

    def at(self, frame: int, *, effects_of: int | None = None) -> Grey:
        """[height, width] in 0..255 at a frame; before and after the shot, its first and its last view. `effects_of`
        is the frame whose effects are on it, where it is another one."""
        return self._through(behind(self._camera(frame), self._bent(frame if effects_of is None else effects_of)))

    def before_effects(self, frame: int) -> Grey:
        """The same, as the camera alone shows it."""
        return self._through(self._camera(frame))

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

    def _through(self, camera: Affine) -> Grey:
        import cv2

        from qmv.media.plate import warp_plane

        if camera not in self._seen:
            if len(self._seen) == _KEPT:
                del self._seen[next(iter(self._seen))]
            view: Any = warp_plane(self._fine, self._small, camera, interpolation=cv2.INTER_LINEAR)  # type: ignore[arg-type]
            self._seen[camera] = view
        return self._seen[camera]

    def _within(self, frame: int) -> int:
        return min(max(frame, self._shot.start), self._shot.end - 1)

    def _camera(self, frame: int) -> Affine:
        camera = self._motion.camera(self._shot, self._within(frame))
        return camera if isinstance(camera, Affine) else IDENTITY


def behind(outer: Affine, inner: Affine) -> Affine:
    """The view that is seen where one looks through `inner` at what `outer` shows."""
    return Affine(
        outer.xx * inner.xx + outer.xy * inner.yx,
        outer.xx * inner.xy + outer.xy * inner.yy,
        outer.xx * inner.x0 + outer.xy * inner.y0 + outer.x0,
        outer.yx * inner.xx + outer.yy * inner.yx,
        outer.yx * inner.xy + outer.yy * inner.yy,
        outer.yx * inner.x0 + outer.yy * inner.y0 + outer.y0,
    )


def _corner(view: Affine, x: int, y: int, width: int, height: int) -> tuple[float, float]:
    return width * (view.xx * x + view.xy * y + view.x0), height * (view.yx * x + view.yy * y + view.y0)
