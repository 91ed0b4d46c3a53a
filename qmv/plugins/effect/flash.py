"""A short lift of the light on each beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.api import Effect, Moment, plugin, setting

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["Flash"]


@plugin
class Flash(Effect):
    """Brightens the frame at a beat and lets it fall back; gentle by default, for safety's sake."""

    name = "flash"
    reads = ("beat_phase",)
    strength: float = setting("how much brighter at the beat, of full white", default=0.12, at_least=0, at_most=1)
    decay: float = setting("how quickly it falls back within a beat", default=6.0, above=0, at_most=50)

    def apply(self, frame: Frame, at: Moment) -> Frame:
        import math
        from dataclasses import replace

        import cv2

        if at.beat_phase is None:
            return frame
        lift = 219 * self.strength * math.exp(-self.decay * at.beat_phase)
        if lift < 0.5:
            return frame
        # towards white and never past it: the room above a value shrinks with the value
        white = 235.0
        share = lift / 219
        y = cv2.convertScaleAbs(frame.y, alpha=1 - share, beta=white * share)
        return replace(frame, y=y)  # type: ignore[arg-type]
