"""The stretches of the song that are looked for in the finished file: the loudest near its start and near its end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from qmv.artifacts import Song

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["Stretch", "ends", "loudest"]

_REGION_S = 20.0  # of the song's start, and of its end, in which the loudest stretch is taken
_STRETCH_S = 3.0
_SILENCE = 10 ** (-60 / 20)  # RMS of full scale: below this, there is nothing to compare


@dataclass(frozen=True, eq=False)
class Stretch:
    """Mono samples [n] of the song, and where in its window they begin."""

    samples: Samples
    rate_hz: int
    start_s: Fraction


def ends(song: Song) -> tuple[Stretch | None, Stretch | None, Fraction]:
    """The loudest stretch near the song's start and the one near its end, None where all is silent; and its length."""
    import numpy as np

    from qmv.media.audio import blocks, inspect

    rate_hz = inspect(song.file.path).rate_hz
    room = round(_REGION_S * rate_hz)
    head, tail, kept, count = [], [], 0, 0
    for block in blocks(song):
        part = block.mean(axis=0, dtype=np.float32)
        if count < room:
            head.append(part)
        tail.append(part)
        count, kept = count + len(part), kept + len(part)
        while kept - len(tail[0]) >= room:
            kept -= len(tail.pop(0))
    region = min(room, count // 2)
    if not region:
        return None, None, Fraction(count, rate_hz)
    first, last = np.concatenate(head)[:region], np.concatenate(tail)[-region:]
    ends = (loudest(first, rate_hz, 0), loudest(last, rate_hz, count - region))
    return *ends, Fraction(count, rate_hz)


def loudest(samples: Samples, rate_hz: int, offset: int) -> Stretch | None:
    """The loudest stretch of some samples, the first of which is sample `offset` of the song; None for silence."""
    import numpy as np

    length = min(len(samples), round(_STRETCH_S * rate_hz))
    power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    sums = power[length:] - power[:-length]
    at = int(sums.argmax())
    if math.sqrt(max(0.0, float(sums[at])) / length) < _SILENCE:
        return None
    return Stretch(samples[at : at + length].copy(), rate_hz, Fraction(offset + at, rate_hz))
