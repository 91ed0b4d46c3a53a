"""A dip to black or white between two shots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.api import Transition, plugin, setting

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["Dip"]

_LUMA = {"black": 16, "white": 235}
_GREY = 128


@plugin
class Dip(Transition):
    """One picture sinks into black and the next one rises from it; wholly black on the beat."""

    name = "dip"
    duration_s: float = setting("length; short shots make it shorter", default=0.5, unit="s", at_least=0, at_most=10)
    colour: str = setting("what lies between the pictures", default="black", choices=tuple(_LUMA))

    def length_s(self) -> float:
        return self.duration_s

    def blend(self, a: Frame, b: Frame, t: float) -> Frame:
        import cv2

        from qmv.media.frame import Frame

        picture, gone = (a, 2 * t) if t < 0.5 else (b, 2 - 2 * t)
        if gone == 0:
            return picture
        y, *chroma = (
            cv2.convertScaleAbs(plane, alpha=1 - gone, beta=gone * towards)
            for plane, towards in ((picture.y, _LUMA[self.colour]), (picture.u, _GREY), (picture.v, _GREY))
        )
        return Frame(y, *chroma)  # type: ignore[arg-type]
