"""Decides what is seen when: cuts on beats, and a prompt for each shot."""

from __future__ import annotations

import dataclasses
import os
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from qmv.api import Brief, Context, Prompt, Slot, Stage, Writer, plugin, setting
from qmv.artifacts import Beats, File, Section, Shot, Song, Storyboard, Style
from qmv.errors import PluginError, QmvError
from qmv.media.bar_cuts import in_bars, meter_of
from qmv.media.cuts import Cut, cut_points
from qmv.media.edited import doubts, storyboard_of
from qmv.media.lyrics import sung
from qmv.media.pace import Pace
from qmv.media.storyboard_file import read, written
from qmv.media.timebase import frame_count, frame_rate

__all__ = ["WriteStoryboard"]


_FILE = "storyboard.yaml"


@plugin
class WriteStoryboard(Stage):
    """One shot for every few beats, each with its prompt; or the shots of an edited storyboard file."""

    name = "write_storyboard"
    version = 4
    by_result = True
    writer: Writer
    beats_per_image: Any = setting(
        "how many beats a picture stays; by energy or section: {calm: 8, loud: 2, B: 6, default: 4}",
        default=4,
        unit="beats",
        at_least=1,
        knob="beats_per_image",
    )
    min_images: int = setting(
        "the fewest pictures of a video", default=8, unit="pictures", at_least=1, knob="min_images"
    )
    fps: str = setting("frame rate: 24, 29.97, 30000/1001 ...", default="24", unit="frames/s", knob="fps")
    seed: int = setting("another seed gives other pictures", default=0, at_least=0, at_most=2**31 - 1, knob="seed")
    idea: str = setting("what the video is about, in your words", default="", knob="brief")
    subject: str = setting("who or what every picture shows", default="", knob="subject")
    one_seed: bool = setting("draw all pictures from `seed` itself, so that they are more alike", default=False)
    storyboard: str | None = setting(
        "an edited storyboard.yaml, in place of the writer", default=None, keyed=False, knob="storyboard"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        frame_rate(self.fps)
        Pace.of(self.beats_per_image)
        if self.storyboard is not None and not self.storyboard.strip():
            raise ValueError("storyboard is empty; name a file, or drop it with storyboard=null")

    @property
    def planning(self) -> bool:
        return self.writer.free or self.storyboard is not None

    def content(self) -> str | None:
        if self._file is None:
            return None
        read(self._file)
        return File.of(self._file).sha256

    def ready(self, ctx: Context) -> None:
        if self._file is None and not self.writer.gives_way():
            self.writer.ready()

    def run(self, ctx: Context, song: Song, style: Style, beats: Beats) -> Storyboard:
        if self._file is not None:
            return self._edited(ctx, self._file, song, beats)
        plan = self._planned(song, style, beats)
        try:
            return self._written(ctx, plan, self.writer)
        except QmvError as error:
            stand_in = self.writer.stand_in() if self.writer.gives_way() else None
            if stand_in is None:
                raise
            ctx.notice(f"the writer {stand_in.name} stands in for {self.writer.name}, which failed: {error}")
            return dataclasses.replace(self._written(ctx, plan, stand_in), stand_in=stand_in.name)

    def draft(self, ctx: Context, **inputs: Any) -> Storyboard | None:
        stand_in = self.writer.stand_in()
        if stand_in is None:
            return None
        made = self._written(ctx, self._planned(**inputs), stand_in)
        return dataclasses.replace(made, stand_in=stand_in.name)

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        return f"{self.writer.name} is asked for the words; what follows is counted without them"

    def review(self, ctx: Context, made: Storyboard, **inputs: Any) -> None:
        """Writes the storyboard into the run's folder, to be edited, whole or not at all."""
        song, style = inputs["song"], inputs["style"]
        part = ctx.run_folder / f".{_FILE}.part"
        part.write_text(written(made, song.title, style.name), encoding="utf-8")
        os.replace(part, ctx.run_folder / _FILE)

    # -- the two ways ------------------------------------------------------------------------------------------------

    @property
    def _file(self) -> Path | None:
        return None if self.storyboard is None else Path(self.storyboard).expanduser().absolute()

    def _edited(self, ctx: Context, file: Path, song: Song, beats: Beats) -> Storyboard:
        sheet = read(file)
        made = storyboard_of(sheet, beats, frame_rate(self.fps), f"storyboard ({file})")
        notes = doubts(sheet, song.title, beats)
        for note in notes:
            ctx.notice(note)
        ctx.progress(len(made.shots), len(made.shots), "shots")
        return dataclasses.replace(made, notes=tuple(notes))

    def _planned(self, song: Song, style: Style, beats: Beats) -> _Plan:
        fps = frame_rate(self.fps)
        pace = Pace.of(self.beats_per_image)
        cuts = cut_points(beats, pace, self.min_images, fps)
        ends = [*(cut.frame for cut in cuts[1:]), frame_count(beats.duration_s, fps)]
        slots = tuple(
            _slot(index, cut.frame / fps, end / fps, song, beats) for index, (cut, end) in enumerate(zip(cuts, ends))
        )
        brief = Brief(
            title=song.title,
            artist=song.artist,
            style=style,
            slots=slots,
            seed=self.seed,
            idea=self.idea,
            subject=self.subject,
            tempo_bpm=beats.tempo_bpm,
            meter=beats.meter,
            duration_s=float(beats.duration_s),
        )
        return _Plan(fps, cuts, ends, brief, self._notes(cuts, beats, pace))

    def _written(self, ctx: Context, plan: _Plan, writer: Writer) -> Storyboard:
        slots = plan.brief.slots
        prompts = writer.write(plan.brief)
        if not isinstance(prompts, list) or len(prompts) != len(slots):
            given = f"{len(prompts)} prompts" if isinstance(prompts, list) else repr(prompts)
            raise PluginError(f"writer ({writer.name}): gave {given} for {len(slots)} shots; mend it.")
        if self.one_seed:
            prompts = [dataclasses.replace(prompt, seed=self.seed) for prompt in prompts]
        shots = tuple(map(_shot, slots, plan.cuts, plan.ends, prompts))
        for note in plan.notes:
            ctx.notice(note)
        ctx.progress(len(shots), len(shots), "shots")
        return Storyboard(fps=plan.fps, frames=plan.ends[-1], shots=shots, notes=plan.notes)

    def _notes(self, cuts: list[Cut], beats: Beats, pace: Pace) -> tuple[str, ...]:
        notes = _notes(cuts, beats, pace)
        asked_for = len(cut_points(beats, pace, 1, frame_rate(self.fps)))
        if asked_for < len(cuts) and any(cut.beat is not None for cut in cuts):
            few = f"min_images={self.min_images}: beats_per_image would give {asked_for}"
            return (*notes, f"{few}, so pictures change more often")
        return notes


class _Plan(NamedTuple):
    """When each shot is seen, before it has words."""

    fps: Fraction
    cuts: list[Cut]
    ends: list[int]
    brief: Brief
    notes: tuple[str, ...]


def _notes(cuts: list[Cut], beats: Beats, pace: Pace) -> tuple[str, ...]:
    notes = []
    if len(beats.times_s) > 1 < len(cuts) and not any(cut.beat is not None for cut in cuts):
        notes.append(f"the song is too short for {len(cuts)} pictures at whole beats: they change evenly")
    if unused := pace.unused(beats.sections):
        labels = sorted({section.label for section in beats.sections})
        known = f"it has {', '.join(labels)}" if labels else "its sections are not known"
        notes.append(f"beats_per_image: the song has no section {', '.join(unused)}; {known}")
    if energies := pace.unheard(beats.sections):
        notes.append(f"beats_per_image: no section of the song is {' or '.join(energies)}")
    meter = meter_of(beats.bar_position)
    for count in pace.counts(beats.sections):
        if (stays := in_bars(count, meter)) != count:
            notes.append(f"bars have {meter} beats here: pictures of {count} beats stay {stays}, to change on the bar")
    return tuple(notes)


def _slot(index: int, start_s: Fraction, end_s: Fraction, song: Song, beats: Beats) -> Slot:
    start, end = float(start_s), float(end_s)
    return Slot(
        index=index,
        start_s=start,
        end_s=end,
        section=_section_of(beats, start, end),
        lyric=sung(song.lyrics, song.start_s + start, song.start_s + end),
    )


def _section_of(beats: Beats, start_s: float, end_s: float) -> Section | None:
    """The section that most of a shot lies in."""
    shares = [(min(end_s, s.end_s) - max(start_s, s.start_s), s) for s in beats.sections]
    share, section = max(shares, key=lambda found: found[0], default=(0.0, None))
    return section if share > 0 else None


def _shot(slot: Slot, cut: Cut, end: int, prompt: Prompt) -> Shot:
    return Shot(
        index=slot.index,
        start=cut.frame,
        end=end,
        beat=cut.beat,
        section=slot.section.label if slot.section else "",
        framing=prompt.framing,
        subject=prompt.subject,
        prompt=prompt.text,
        negative_prompt=prompt.negative_text,
        seed=prompt.seed,
        paced_by=cut.paced_by,
        lyric=slot.lyric,
    )
