"""A hard cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.api import Transition, plugin

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["Cut"]


@plugin
class Cut(Transition):
    """The next picture, at once."""

    name = "cut"

    def blend(self, a: Frame, b: Frame, t: float) -> Frame:
        return a if t < 0.5 else b
