"""Decides what is seen when: cuts on beats, and a prompt for each shot."""

from __future__ import annotations

from qmv.api import Brief, Context, Prompt, Slot, Stage, Writer, plugin, setting
from qmv.artifacts import Beats, Section, Shot, Song, Storyboard, Style
from qmv.errors import PluginError
from qmv.media.timebase import frame_count, frame_rate
from qmv.media.timeline import Cut, cut_points

__all__ = ["WriteStoryboard"]


@plugin
class WriteStoryboard(Stage):
    """One shot for every few beats, each with its prompt."""

    name = "write_storyboard"
    planning = True
    writer: Writer
    beats_per_image: int = setting(
        "how many beats a picture stays", default=4, unit="beats", at_least=1, knob="beats_per_image"
    )
    min_images: int = setting(
        "the fewest pictures of a video", default=8, unit="pictures", at_least=1, knob="min_images"
    )
    fps: str = setting("frame rate: 24, 29.97, 30000/1001 ...", default="24", unit="frames/s", knob="fps")
    seed: int = setting("another seed gives other pictures", default=0, at_least=0, at_most=2**31 - 1, knob="seed")

    def __post_init__(self) -> None:
        super().__post_init__()
        frame_rate(self.fps)

    def run(self, ctx: Context, song: Song, style: Style, beats: Beats) -> Storyboard:
        fps = frame_rate(self.fps)
        frames = frame_count(beats.duration_s, fps)
        cuts = cut_points(beats, self.beats_per_image, self.min_images, fps)
        ends = [cut.frame for cut in cuts[1:]] + [frames]
        slots = tuple(
            Slot(
                index=index,
                start_s=float(cut.frame / fps),
                end_s=float(end / fps),
                section=_section_at(beats, float(cut.frame / fps)),
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
        return Storyboard(fps=fps, frames=frames, shots=shots, notes=self._notes(ctx, cuts, beats))

    def _notes(self, ctx: Context, cuts: list[Cut], beats: Beats) -> tuple[str, ...]:
        on_beats = sum(cut.beat is not None for cut in cuts)
        if on_beats or len(cuts) < 2 or len(beats.times_s) < 2:
            return ()
        note = f"the song is too short for {len(cuts)} pictures at whole beats: they change evenly"
        ctx.notice(note)
        return (note,)


def _section_at(beats: Beats, time_s: float) -> Section | None:
    return next((section for section in beats.sections if section.start_s <= time_s < section.end_s), None)


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
    )
