"""Finds out which picture a shot shows where it does not show its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qmv.proof.mix import likeness

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.proof.plan import Plan

    Grey = npt.NDArray[np.float32]

__all__ = ["is_stranger", "other_picture"]

_UNLIKE, _THE_SAME = 0.5, 0.9  # correlations


def is_stranger(luma: Grey, view: Grey) -> bool:
    """Whether a frame does not look like the view that is due, or like nothing at all."""
    return likeness(luma, view) < _UNLIKE


def other_picture(plan: Plan, shot: int, frame: int, luma: Grey) -> int | None:
    """The first shot whose picture is on screen in place of the shot's own; None where it is no one's."""
    pictures = plan.pictures
    found: dict[Path, float] = {}
    for picture in pictures:
        if picture not in found and picture != pictures[shot]:
            found[picture] = likeness(luma, plan.view_of(picture, shot).at(frame))
    best = max(found, key=lambda picture: found[picture], default=None)
    return None if best is None or found[best] < _THE_SAME else pictures.index(best)
