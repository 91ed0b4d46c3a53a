"""Finds the beats of the song."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qmv.api import Context, Stage, Tracker, plugin
from qmv.artifacts import Beats, Hints, Song
from qmv.errors import PluginError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["TrackBeats"]

_SILENCE = 1e-4  # -80 dBFS: below this peak nothing is heard, and a tracker would follow noise


@plugin
class TrackBeats(Stage):
    """Decodes the song and hands it to the tracker; silence has no beats."""

    name = "track_beats"
    planning = True
    libraries = ("av", "numpy")
    tracker: Tracker

    def run(self, ctx: Context, song: Song) -> Beats:
        from fractions import Fraction

        import numpy as np

        from qmv.media.audio import mono

        samples, rate_hz = mono(song)
        duration_s = Fraction(len(samples), rate_hz)
        if float(np.abs(samples).max()) < _SILENCE:
            note = "the song is silent: pictures change on an even grid"
            beats = Beats(
                times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=duration_s, notes=(note,)
            )  # fmt: skip
        else:
            beats = dataclasses.replace(self._tracked(samples, rate_hz, song.hints), duration_s=duration_s)
            if len(beats.times_s) < 2 and not beats.notes:
                note = "no beat was heard: pictures change on an even grid"
                beats = dataclasses.replace(beats, notes=(note,))
        for note in beats.notes:
            ctx.notice(note)
        ctx.progress(len(beats.times_s), len(beats.times_s), "beats")
        return beats

    def _tracked(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        beats: Any = self.tracker.track(samples, rate_hz, hints)
        where = f"tracker ({self.tracker.name})"
        if not isinstance(beats, Beats):
            raise PluginError(f"{where}: track() must give Beats, got {beats!r:.80}; mend the plugin.")
        if any(a >= b for a, b in pairwise(beats.times_s)) or len(beats.bar_position) != len(beats.times_s):
            raise PluginError(f"{where}: its beats must be in order, each with a bar position; mend the plugin.")
        return beats
