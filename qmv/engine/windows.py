"""Finds the window that `window: best 30` asks for, before the stages that read it from the song are planned."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

from qmv.analysis.window import asked_s, best_window, loudness
from qmv.artifacts import Beats, Song
from qmv.engine.graph import Node
from qmv.errors import ConfigError
from qmv.media.samples import mapped, to_read

__all__ = ["way_to_beats", "windowed"]


def way_to_beats(nodes: Sequence[Node], window: str) -> list[Node]:
    """The nodes that have to work so that there are beats, in order; the last one makes them.

    Raises ConfigError where none does.
    """
    last = next((node for node in nodes if issubclass(node.stage.makes(), Beats)), None)
    if last is None:
        raise ConfigError(
            f"song: window '{window}' is found by the beats, and no stage of the graph makes Beats; "
            "add one with +stage@stages.beats=track_beats, or give start_s and end_s."
        )
    needed = {last.name}
    for node in reversed(nodes):
        if node.name in needed:
            needed |= set(node.sources)
    return [node for node in nodes if node.name in needed]


def windowed(song: Song, window: str, beats: Beats) -> tuple[Song, str]:
    """The song with the window that suits best, and a sentence that says which."""
    length_s, step_s = asked_s(window) or 0.0, beats.energy_step_s
    found = best_window(beats, length_s, beats.energy or _loudness(song, step_s), step_s)
    note = f"window '{window}' is {found.start_s:.3f} to {found.end_s:.3f} s of the song"
    if found.lines == "seconds":
        note += ", where it is loudest: there are no beats to begin and end on"
    else:
        note += f" ({found.end_s - found.start_s:.3f} s, from {found.lines[:-1]} to {found.lines[:-1]})"
    return dataclasses.replace(song, start_s=found.start_s, end_s=found.end_s), note


def _loudness(song: Song, step_s: float) -> tuple[float, ...]:
    """For beats that come without energy."""
    with mapped(song, Path(tempfile.gettempdir())) as (samples, rate_hz):
        return loudness(to_read(samples), rate_hz, step_s)
