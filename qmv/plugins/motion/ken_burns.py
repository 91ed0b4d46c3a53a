"""A slow zoom and pan over the picture."""

from __future__ import annotations

import hashlib
import math

from qmv.api import Affine, Motion, plugin, setting
from qmv.artifacts import Shot

__all__ = ["KenBurns"]


@plugin
class KenBurns(Motion):
    """Zooms in or out, shot by shot, towards a point off the middle; smooth to a fraction of a pixel."""

    name = "ken_burns"
    zoom: float = setting("how much larger the picture gets over a shot", default=0.12, at_least=0, at_most=1)
    drift: float = setting(
        "how far off the middle the zoom heads, of what is possible", default=0.6, at_least=0, at_most=1
    )

    def camera(self, shot: Shot, frame: int) -> Affine:
        span = max(1, shot.end - shot.start - 1)
        progress = min(1.0, max(0.0, (frame - shot.start) / span))
        inwards, angle = _direction(shot)
        closeness = progress if inwards else 1 - progress
        # the scale changes by the same factor each frame, which the eye takes for a constant speed
        side = (1 + self.zoom) ** -closeness
        room = (1 - side) / 2 * self.drift
        x0 = (1 - side) / 2 + room * math.cos(angle)
        y0 = (1 - side) / 2 + room * math.sin(angle)
        return Affine(side, 0.0, x0, 0.0, side, y0)


def _direction(shot: Shot) -> tuple[bool, float]:
    """Whether a shot zooms in, in turns, and where to, from its seed."""
    number = int.from_bytes(hashlib.sha256(f"ken_burns/{shot.seed}".encode()).digest()[:4])
    return shot.index % 2 == 0, number / 2**32 * math.tau
