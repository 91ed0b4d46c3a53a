"""Soft dots, where a camera puts them, and where a frame shows them to a fraction of a pixel; functions of values.

A sample of index i lies at i + 0.5 px, as in `qmv.media.plate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmv.media.camera import Affine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Plane = npt.NDArray[np.uint8]
    Points = npt.NDArray[np.float64]

__all__ = ["SIGMA_PX", "Jitter", "centres", "jitter", "painted", "ring", "seen_at"]

SIGMA_PX = 4.0
_GROUND, _LIGHT = 40.0, 150.0
_REACH = 4.0  # in sigmas: a dot's light is 0.03 % of its peak there


@dataclass(frozen=True, kw_only=True)
class Jitter:
    """How unevenly dots move, in px/frame^2: second differences of their places, less those of the planned path."""

    most: float
    rms: float
    path: float  # the largest second difference of the planned path itself


def ring(width_px: int, height_px: int, count: int = 12) -> Points:
    """Places [count, 2] (x, y) in px, at odd fractions of a pixel, as far from the middle as leaves them on the screen
    when it is zoomed by 12 % towards a point off the middle.
    """
    import numpy as np

    angle = (np.arange(count) + 0.37) * 2 * np.pi / count
    reach = np.array([width_px, height_px]) * 0.36
    middle = np.array([width_px, height_px]) / 2
    places: Points = middle + reach * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return places


def painted(places: Points, width_px: int, height_px: int, sigma_px: float = SIGMA_PX) -> Plane:
    """Gaussian dots on a dark ground, 8 bit."""
    import numpy as np

    light = np.full((height_px, width_px), _GROUND)
    for x, y in places:
        across = np.exp(-((np.arange(width_px) + 0.5 - x) ** 2) / (2 * sigma_px**2))
        down = np.exp(-((np.arange(height_px) + 0.5 - y) ** 2) / (2 * sigma_px**2))
        light += _LIGHT * np.outer(down, across)
    plane: Plane = np.rint(light).clip(0, 255).astype(np.uint8)
    return plane


def seen_at(places: Points, view: Affine, width_px: int, height_px: int) -> Points:
    """Where a camera that only zooms and pans shows them, in px."""
    import numpy as np

    size = np.array([width_px, height_px])
    return (places - size * (view.x0, view.y0)) / (view.xx, view.yy)


def centres(luma: Plane, expected: Points, sigma_px: float = SIGMA_PX) -> Points:
    """The middle of the light around each expected place, which must be right to about 2 sigma.

    The window is laid around what was found, until that stays; the ground is the median of its edge.
    """
    import numpy as np

    found = []
    for x, y in expected:
        place = np.array([x, y])
        for _ in range(12):  # each round leaves a third of the last one's error
            before, place = place, _middle(luma, place, round(_REACH * sigma_px))
            if np.abs(place - before).max() < 1e-3:
                break
        found.append(place)
    return np.array(found)


def _middle(luma: Plane, place: Points, reach: int) -> Points:
    import numpy as np

    column, row = (int(np.floor(at)) for at in place)
    left, top = max(0, column - reach), max(0, row - reach)
    window = luma[top : row + reach + 1, left : column + reach + 1].astype(np.float64)
    edge = np.concatenate([window[0], window[-1], window[:, 0], window[:, -1]])
    # weighted by a dot of the same kind around the last guess: noise far from the dot's middle counts for nothing
    rows, columns = np.mgrid[: window.shape[0], : window.shape[1]] + 0.5
    near = np.exp(-((columns + left - place[0]) ** 2 + (rows + top - place[1]) ** 2) / (reach / 2) ** 2)
    light = (window - np.median(edge)).clip(0) * near
    total = light.sum()
    if not total:
        return place
    return np.array([(light * columns).sum() / total + left, (light * rows).sum() / total + top])


def jitter(found: Sequence[Points] | Points, planned: Sequence[Points] | Points) -> Jitter:
    """Of places [frames, dots, 2]."""
    import numpy as np

    def bends(places: Iterable[Points]) -> Points:
        lengths: Points = np.linalg.norm(np.diff(np.array(list(places)), n=2, axis=0), axis=-1)
        return lengths

    off = np.asarray(found) - np.asarray(planned)
    uneven = bends(off)
    return Jitter(
        most=float(uneven.max()), rms=float(np.sqrt((uneven**2).mean())), path=float(bends(list(planned)).max())
    )
