"""A crossfade, half over when the beat falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.api import Transition, plugin, setting

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["Crossfade"]


@plugin
class Crossfade(Transition):
    """One picture melts into the next; half over on the beat."""

    name = "crossfade"
    duration_s: float = setting("length; short shots make it shorter", default=0.5, unit="s", at_least=0, at_most=10)

    def length_s(self) -> float:
        return self.duration_s

    def blend(self, a: Frame, b: Frame, t: float) -> Frame:
        return a.mix(b, t)
