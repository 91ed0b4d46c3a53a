"""Finds the beats of the song."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.analysis.beat_files import read, within
from qmv.analysis.crop import cropped
from qmv.analysis.overrides import applied, beats_of, tracker_hints
from qmv.analysis.structure import described
from qmv.analysis.tracked import TrackerFault, checked
from qmv.api import Context, Stage, Tracker, plugin
from qmv.artifacts import Beats, Song
from qmv.errors import PluginError
from qmv.plain import dump, load

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["TrackBeats"]

_SILENCE = 1e-4  # -80 dBFS: below this peak nothing is heard, and a tracker would follow noise
_PIECE = 1 << 20  # samples
_EVENLY = "pictures change on an even grid"


@plugin
class TrackBeats(Stage):
    """Hands the whole song to the tracker, puts what the user knows over it, and cuts the window out of it.

    The whole song's beats have an entry of their own in the cache, so another window of it costs nothing.
    """

    name = "track_beats"
    version = 2
    planning = True
    libraries = ("av", "numpy", "scipy")
    tracker: Tracker

    def run(self, ctx: Context, song: Song) -> Beats:
        whole, cached = self._whole(ctx, song)
        beats = _window(whole, song)
        if len(beats.times_s) < 2 <= len(whole.times_s):
            note = f"no beat was heard in this part of the song: {_EVENLY}"
            beats = dataclasses.replace(beats, notes=(*beats.notes, note))
        if song.end_s is not None and song.end_s > whole.duration_s:
            note = f"song.end_s={song.end_s:g}: the song ends at {float(whole.duration_s):.3f} s, and the video with it"
            beats = dataclasses.replace(beats, notes=(*beats.notes, note))
        for note in beats.notes:
            ctx.notice(note)
        count = len(beats.times_s)
        ctx.progress(count, count, "beats", reused=count if cached else 0, detail=_in_words(beats))
        return beats

    def _whole(self, ctx: Context, song: Song) -> tuple[Beats, bool]:
        """The beats of the whole file, and whether they were in the cache."""
        hints = {name: value for name, value in vars(song.hints).items() if name != "beats_file"}
        told = song.hints.beats_file.sha256 if song.hints.beats_file else None
        key = ctx.cache.key({"song": song.file.sha256, "stage": self.identity(), "hints": hints, "beats_file": told})

        def make(part: Path) -> None:
            text = json.dumps(dump(self._analysed(song, ctx.folder), part), indent=1, ensure_ascii=False)
            (part / "beats.json").write_text(text, encoding="utf-8")

        for _ in range(2):
            folder, cached = ctx.cache.once("whole_beats", key, make, shared=_fetched)
            try:
                return _kept(folder), cached
            except (OSError, ValueError, TypeError, KeyError):  # of another form than today's
                ctx.cache.drop("whole_beats", key)
        raise PluginError(f"tracker ({self.tracker.name}): its beats cannot be kept; give plain numbers, mend it.")

    def _analysed(self, song: Song, folder: Path) -> Beats:
        from qmv.media.samples import mapped, to_read

        with mapped(dataclasses.replace(song, start_s=0.0, end_s=None), folder) as (samples, rate_hz):
            heard = self._heard(samples, rate_hz, song)
            beats = described(to_read(samples), rate_hz, applied(heard, song.hints))
        if len(beats.times_s) < 2 and not beats.notes:
            beats = dataclasses.replace(beats, notes=(*beats.notes, f"no beat was heard{_between(song)}: {_EVENLY}"))
        return beats

    def _heard(self, samples: npt.NDArray[np.float32], rate_hz: int, song: Song) -> Beats:
        """From the user's file where there is one, else from the tracker; silence has no beats."""
        duration_s = Fraction(len(samples), rate_hz)
        if song.hints.beats_file is not None:
            path = song.hints.beats_file.path
            marks = read(path)
            within(marks, float(duration_s), f"song.beats_file ({path})")
            return beats_of(marks, duration_s)
        if _silent(samples):
            note = f"the song is silent: {_EVENLY}"
            return Beats(
                times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=duration_s, notes=(note,)
            )  # fmt: skip
        try:
            return checked(self.tracker.track(samples, rate_hz, tracker_hints(song.hints)), duration_s)
        except TrackerFault as error:
            raise PluginError(f"tracker ({self.tracker.name}): track() {error}; mend the plugin.") from error


def _kept(folder: Path) -> Beats:
    """The beats of an entry; raises for those of another form than today's, and for what is no number."""
    text = (folder / "beats.json").read_text(encoding="utf-8")
    return load(Beats, json.loads(text, parse_constant=_no_number), folder)


def _no_number(word: str) -> float:
    raise ValueError(f"beats.json says {word}")


def _fetched(folder: Path) -> None:
    """Raises where beats of another machine are none that a tracker may give."""
    beats = _kept(folder)
    if beats.duration_s <= 0 or checked(beats, beats.duration_s) != beats:
        raise ValueError("its beats do not lie in the song")


def _silent(samples: npt.NDArray[np.float32]) -> bool:
    """Whether nothing is heard in the whole song; looks at a piece at a time, mostly at one."""
    import numpy as np

    from qmv.media.samples import let_go, to_read

    seen = to_read(samples)
    for first in range(0, len(seen), _PIECE):
        if float(np.abs(seen[first : first + _PIECE]).max()) >= _SILENCE:
            return False
        let_go(seen)
    return True


def _between(song: Song) -> str:
    """Where the user said that the tempo lies: that no beat is heard may come of it."""
    low, high = tracker_hints(song.hints).tempo_range_bpm or (0.0, 0.0)
    return f" from {low:.0f} to {high:.0f} a minute" if high else ""


def _in_words(beats: Beats) -> str:
    """'118 a minute in 4/4'."""
    if not beats.tempo_bpm:
        return ""
    return f"{beats.tempo_bpm:.0f} a minute" + (f" in {beats.meter}" if beats.meter else "")


def _window(whole: Beats, song: Song) -> Beats:
    """The window's part, with its length to the sample; raises InputError where it holds none."""
    from qmv.media.audio import inspect, no_sound

    rate_hz = inspect(song.file.path).rate_hz
    total = int(whole.duration_s * rate_hz)
    first = round(song.start_s * rate_hz)
    last = total if song.end_s is None else min(total, round(song.end_s * rate_hz))
    if last <= first:
        raise no_sound(song)
    return cropped(whole, song.start_s, Fraction(song.start_s) + Fraction(last - first, rate_hz))
