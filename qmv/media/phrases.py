"""Where pictures change while no beat is heard: at the breaths of the music, as its energy shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from qmv.artifacts import Beats
from qmv.media.timebase import frame_at

__all__ = ["phrase_cuts"]

_STRAY = 1.75  # a shot is at most so much longer or shorter than asked for
_FINEST = 16  # places to choose from within the length of a shot; more would cost time and show nothing
_EVEN = 2.0  # what a shot of e times the length costs, where the clearest breath of the stretch earns 1
_FLAT = 0.02  # energy that changes less than this shows no breath


def phrase_cuts(beats: Beats, span: tuple[int, int], free: tuple[int, int], shot: float, fps: Fraction) -> list[int]:
    """The frames at which shots of about `shot` frames follow each other from the first frame of `span` to its last.

    Cuts lie within the frames of `free`, on steps of the energy curve: where it has sunk and rises again. None where
    the curve says nothing, or where there is no place for a cut.
    """
    first, last = span
    stride = max(1, round(shot / float(fps) / beats.energy_step_s / _FINEST))
    breaths = _breaths(beats.energy, beats.energy_step_s)
    steps = {frame_at(step * beats.energy_step_s, fps): breaths[step] for step in range(0, len(breaths), stride)}
    places = [frame for frame in steps if first < frame < last and free[0] <= frame <= free[1]]
    clearest = max((steps[frame] for frame in places), default=0.0)
    if clearest < _FLAT:
        return []
    return _best([(first, 0.0), *((frame, steps[frame] / clearest) for frame in places), (last, 0.0)], shot)


def _breaths(energy: Sequence[float], step_s: float) -> list[float]:
    """How clearly a phrase ends and another begins at each step: the fall of the second before, the rise after."""
    reach, end = max(1, round(1 / step_s)), len(energy) - 1
    return [
        max(0.0, energy[max(0, i - reach)] - here) + max(0.0, energy[min(end, i + reach)] - here)
        for i, here in enumerate(energy)
    ]


def _best(places: list[tuple[int, float]], shot: float) -> list[int]:
    """The places, without the first and the last, that make shots near the wanted length and fall on breaths."""
    total, came_from = [0.0] + [math.inf] * (len(places) - 1), [0] * len(places)
    oldest = 0
    for here, (frame, breath) in enumerate(places[1:], 1):
        while oldest < here - 1 and frame - places[oldest][0] > _STRAY * shot:
            oldest += 1
        for there in range(oldest, here):
            cost = total[there] + _EVEN * math.log((frame - places[there][0]) / shot) ** 2 - breath
            if cost < total[here]:
                total[here], came_from[here] = cost, there
    found, here = [], came_from[-1]
    while here > 0:
        found.append(places[here][0])
        here = came_from[here]
    return found[::-1]
