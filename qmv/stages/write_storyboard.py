"""Decides what is seen when: cuts on beats, and a prompt for each shot."""

from __future__ import annotations

from typing import Any

from qmv.api import Brief, Context, Prompt, Slot, Stage, Writer, plugin, setting
from qmv.artifacts import Beats, Section, Shot, Song, Storyboard, Style
from qmv.errors import PluginError
from qmv.media.bar_cuts import in_bars, meter_of
from qmv.media.cuts import Cut, cut_points
from qmv.media.pace import Pace
from qmv.media.timebase import frame_count, frame_rate

__all__ = ["WriteStoryboard"]


@plugin
class WriteStoryboard(Stage):
    """One shot for every few beats, each with its prompt."""

    name = "write_storyboard"
    version = 3
    planning = True
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

    def __post_init__(self) -> None:
        super().__post_init__()
        frame_rate(self.fps)
        Pace.of(self.beats_per_image)

    def run(self, ctx: Context, song: Song, style: Style, beats: Beats) -> Storyboard:
        fps = frame_rate(self.fps)
        frames = frame_count(beats.duration_s, fps)
        pace = Pace.of(self.beats_per_image)
        cuts = cut_points(beats, pace, self.min_images, fps)
        ends = [cut.frame for cut in cuts[1:]] + [frames]
        slots = tuple(
            Slot(
                index=index,
                start_s=float(cut.frame / fps),
                end_s=float(end / fps),
                section=_section_of(beats, float(cut.frame / fps), float(end / fps)),
            )
            for index, (cut, end) in enumerate(zip(cuts, ends))
        )
        brief = Brief(title=song.title, artist=song.artist, style=style, slots=slots, seed=self.seed)
        prompts = self.writer.write(brief)
        if not isinstance(prompts, list) or len(prompts) != len(slots):
            given = f"{len(prompts)} prompts" if isinstance(prompts, list) else repr(prompts)
            raise PluginError(f"writer ({self.writer.name}): gave {given} for {len(slots)} shots; mend it.")
        shots = tuple(map(_shot, slots, cuts, ends, prompts))
        ctx.progress(len(shots), len(shots), "shots")
        return Storyboard(fps=fps, frames=frames, shots=shots, notes=_notes(ctx, cuts, beats, pace))


def _notes(ctx: Context, cuts: list[Cut], beats: Beats, pace: Pace) -> tuple[str, ...]:
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
    for note in notes:
        ctx.notice(note)
    return tuple(notes)


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
    )
