"""Beats, a song and writers, for the tests of the stage `write_storyboard`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from qmv.api import Brief, Prompt, Writer, plugin, setting
from qmv.artifacts import Beats, File, Section, Song, Storyboard
from qmv.errors import AccessError, ServiceError
from qmv.plugins.writer.template import Template
from qmv.stages.write_storyboard import WriteStoryboard
from qmv.testing import stage_context, style


def beats(count: int = 33, duration_s: int = 16, sections: tuple[Section, ...] = ()) -> Beats:
    return Beats(
        times_s=tuple(i * 0.5 for i in range(count)),
        bar_position=(0,) * count,
        tempo_bpm=120.0 if count else 0.0,
        confidence=1.0,
        duration_s=Fraction(duration_s),
        sections=sections,
    )


def a_song(tmp_path: Path) -> Song:
    (tmp_path / "song").write_bytes(b"a song")
    return Song(file=File.of(tmp_path / "song"), title="Night Train")


def written(tmp_path: Path, song_beats: Beats, **settings: object) -> Storyboard:
    stage = WriteStoryboard(writer=Template(), **settings)
    return stage.run(stage_context(tmp_path), song=a_song(tmp_path), style=style(), beats=song_beats)


PARTS = (
    Section(start_s=0, end_s=8, label="A", energy=0.1),
    Section(start_s=8, end_s=16, label="B", energy=0.9),
)


@plugin
class Service(Writer):
    """One that costs money, and is out of order."""

    name = "service"
    free = False
    yields: bool = setting("whether the template stands in", default=True)

    def ready(self) -> None:
        raise AccessError("writer (service): has no key; set one.")

    def write(self, brief: Brief) -> list[Prompt]:
        raise ServiceError("writer (service): is out of order; try again later.")

    def stand_in(self) -> Writer:
        return Template()

    def gives_way(self) -> bool:
        return self.yields
