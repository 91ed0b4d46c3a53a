"""How well tracked beats fit the true ones: the usual figures, by mir_eval, and how late the beats are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Scores", "Truth", "mean", "score"]

Times = npt.NDArray[np.float64]
_TOLERANCE_S = 0.07
_TRIMMED_S = 5.0  # as is usual: nobody has to know the tempo at once


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Beats with their bar positions, 0 where these are not known."""

    times_s: Times
    positions: npt.NDArray[np.int64]

    @classmethod
    def read(cls, path: Path) -> Truth:
        """A .beats file; raises ValueError where a line is not a time and a bar position."""
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        times, positions = [float(row[0]) for row in rows], [int(row[1]) for row in rows]
        return cls(times_s=np.array(times, np.float64), positions=np.array(positions, np.int64))

    @property
    def downbeats_s(self) -> Times:
        return self.times_s[self.positions == 1]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """F-measure, continuity at the right tempo and at any related one, all in 0..1, and what is wrong with the rest.

    `downbeat_f` is None where bars are not known; `tempo_ratio` and `offset_ms` (late is positive) are None where there
    is nothing to compare.
    """

    f: float = 0.0
    cmlt: float = 0.0
    amlt: float = 0.0
    downbeat_f: float | None = None
    tempo_ratio: float | None = None
    offset_ms: float | None = None


def score(found: Truth, truth: Truth) -> Scores:
    """Where there is no beat to find, finding none is all that counts."""
    if not len(truth.times_s):
        right = float(not len(found.times_s))
        return Scores(f=right, cmlt=right, amlt=right)
    cmlt, amlt = _continuity(truth.times_s, found.times_s)
    return Scores(
        f=_f_measure(truth.times_s, found.times_s),
        cmlt=cmlt,
        amlt=amlt,
        downbeat_f=_f_measure(truth.downbeats_s, found.downbeats_s) if truth.positions.any() else None,
        tempo_ratio=_tempo_ratio(truth.times_s, found.times_s),
        offset_ms=_offset_ms(truth.times_s, found.times_s),
    )


def _trimmed(truth_s: Times, found_s: Times) -> tuple[Times, Times]:
    return truth_s[truth_s >= _TRIMMED_S], found_s[found_s >= _TRIMMED_S]


def _f_measure(truth_s: Times, found_s: Times) -> float:
    import mir_eval.beat

    truth_s, found_s = _trimmed(truth_s, found_s)
    if not (len(truth_s) and len(found_s)):
        return 0.0
    return float(mir_eval.beat.f_measure(truth_s, found_s, _TOLERANCE_S))


def _continuity(truth_s: Times, found_s: Times) -> tuple[float, float]:
    import mir_eval.beat

    truth_s, found_s = _trimmed(truth_s, found_s)
    if min(len(truth_s), len(found_s)) < 2:
        return 0.0, 0.0
    _, cmlt, _, amlt = mir_eval.beat.continuity(truth_s, found_s)
    return float(cmlt), float(amlt)


def _tempo_ratio(truth_s: Times, found_s: Times) -> float | None:
    if min(len(truth_s), len(found_s)) < 2:
        return None
    return float(np.median(np.diff(truth_s)) / np.median(np.diff(found_s)))


def _offset_ms(truth_s: Times, found_s: Times) -> float | None:
    """The median of estimate minus truth among the beats that match."""
    import mir_eval.util

    if not len(found_s):
        return None
    pairs = mir_eval.util.match_events(truth_s, found_s, _TOLERANCE_S)
    late_s = [found_s[theirs] - truth_s[ours] for ours, theirs in pairs]
    return float(np.median(late_s)) * 1000 if late_s else None


def mean(values: list[float | None]) -> float | None:
    """Of those that are there."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
