"""A line that moves across the frame and leaves the next picture behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmv.api import Transition, plugin, setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame

    Plane = npt.NDArray[np.uint8]

__all__ = ["Wipe"]

_ACROSS = ("left", "right")
_WHOLE = 256


@plugin
class Wipe(Transition):
    """A soft line moves across and uncovers the next picture; in the middle of the frame on the beat."""

    name = "wipe"
    duration_s: float = setting("length; short shots make it shorter", default=0.5, unit="s", at_least=0, at_most=10)
    direction: str = setting("where the line moves to", default="right", choices=(*_ACROSS, "up", "down"))
    softness: float = setting("how wide the line is, of the way that it goes", default=0.15, at_least=0, at_most=1)

    def length_s(self) -> float:
        return self.duration_s

    def blend(self, a: Frame, b: Frame, t: float) -> Frame:
        from qmv.media.frame import Frame

        return Frame(*(self._wiped(*planes, t) for planes in ((a.y, b.y), (a.u, b.u), (a.v, b.v))))

    def _wiped(self, a: Plane, b: Plane, t: float) -> Plane:
        import numpy as np

        axis = 1 if self.direction in _ACROSS else 0
        share, band = self._shares(a.shape[axis], t)
        made = np.empty_like(a)
        for part in (slice(0, band.start), slice(band.stop, len(share))):
            where = (part, slice(None)) if axis == 0 else (slice(None), part)
            if part.start < part.stop:
                made[where] = (b if share[part.start] else a)[where]
        if band.start < band.stop:
            where = (band, slice(None)) if axis == 0 else (slice(None), band)
            part_of_b = share[band] if axis else share[band, None]
            made[where] = (a[where] * (_WHOLE - part_of_b) + b[where] * part_of_b + _WHOLE // 2) >> 8
        return made

    def _shares(self, length: int, t: float) -> tuple[npt.NDArray[np.uint16], slice]:
        """How much of b is seen at each place along the way, in 0..256, and the band in which both are."""
        import numpy as np

        width = max(self.softness, 1 / length)  # at least as soft as a sample, so that a slow line does not jump
        x = (np.arange(length) + 0.5) / length
        behind = ((t * (1 + width) - x) / width).clip(
            0, 1
        )  # at t=0 the whole line is still outside, at t=1 it is again
        share = np.rint(_WHOLE * behind**2 * (3 - 2 * behind)).astype(np.uint16)
        if self.direction in ("left", "up"):
            share = share[::-1]
        both = np.flatnonzero((share > 0) & (share < _WHOLE))
        if len(both):
            return share, slice(int(both[0]), int(both[-1]) + 1)
        edge = int(np.flatnonzero(np.diff(share))[0]) + 1 if share[0] != share[-1] else length
        return share, slice(edge, edge)
