"""Beats."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from qmv.api.plugin import Plugin
from qmv.artifacts import Beats, Hints

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Tracker"]


class Tracker(Plugin):
    """Finds the beats of a song."""

    kind = "tracker"

    @abstractmethod
    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        """The beats of a mono signal [n] in -1..1; no beats for silence, never an invented grid.

        `hints` narrow the search where the tracker can use them. Energy and sections are added afterwards.
        """
