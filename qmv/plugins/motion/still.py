"""No motion."""

from __future__ import annotations

from qmv.api import IDENTITY, Affine, Motion, plugin
from qmv.artifacts import Shot

__all__ = ["Still"]


@plugin
class Still(Motion):
    """Holds the picture still; the quickest to render."""

    name = "still"

    def camera(self, shot: Shot, frame: int) -> Affine:
        return IDENTITY
