"""The looks the offline canvas provider can paint, one module a look."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from qmv.plugins.image.canvas_looks.scene import FRAMINGS, Scene

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["FRAMINGS", "LOOKS", "Scene", "paint"]

LOOKS: tuple[str, ...] = ("cosmos", "neon", "noir", "papercut", "watercolor")


def paint(look: str, scene: Scene) -> npt.NDArray[np.uint8]:
    """Paint a scene in a look: RGB, uint8, [height_px, width_px, 3]; ValueError for an unknown look."""
    if look not in LOOKS:
        raise ValueError(f"unknown look {look!r}; known looks: {', '.join(LOOKS)}")
    # Imported here so that listing the looks loads neither numpy nor OpenCV.
    module = import_module(f"{__name__}.{look}")
    return cast("npt.NDArray[np.uint8]", module.paint(scene))
