"""Views of a picture."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["IDENTITY", "Affine"]


class Affine(NamedTuple):
    """Where in the picture each point of the frame comes from: x' = xx*x + xy*y + x0, y' = yx*x + yy*y + y0.

    Both are in units of the frame: (0, 0) is the top left corner, (1, 1) the bottom right one.
    """

    xx: float
    xy: float
    x0: float
    yx: float
    yy: float
    y0: float


IDENTITY = Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
