"""From beats to shots with prompts."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import pytest

from qmv.api import Brief, Prompt, Writer, plugin
from qmv.artifacts import Artifact, LyricLine, Section
from qmv.engine.cache import Cache
from qmv.errors import PluginError, UnknownName
from qmv.events import Event, Notice
from qmv.plugins.writer.template import Template
from qmv.stages.write_storyboard import WriteStoryboard
from qmv.testing import StageContract, stage_context, style
from tests.stages.storyboards import PARTS, a_song, beats, written


class TestWriteStoryboard(StageContract):
    plugin = WriteStoryboard(writer=Template())

    @pytest.fixture
    def given(self, tmp_path: Path) -> dict[str, Artifact]:
        return {"song": a_song(tmp_path), "style": style(), "beats": beats()}


def test_storyboard_covers_every_frame_once(tmp_path: Path) -> None:
    plan = written(tmp_path, beats(), fps="29.97")
    assert [shot.start for shot in plan.shots] == [0, *(shot.end for shot in plan.shots)][:-1]
    assert plan.shots[-1].end == plan.frames


def test_storyboard_has_the_exact_rate(tmp_path: Path) -> None:
    assert written(tmp_path, beats(), fps="23.976").fps == Fraction(24000, 1001)


@pytest.mark.parametrize("beats_per_image", [1, 2, 4])
def test_storyboard_changes_pictures_every_few_beats(tmp_path: Path, beats_per_image: int) -> None:
    plan = written(tmp_path, beats(), beats_per_image=beats_per_image, min_images=1)
    assert [shot.start for shot in plan.shots] == list(range(0, 16 * 24, 12 * beats_per_image))


def test_storyboard_numbers_its_shots(tmp_path: Path) -> None:
    plan = written(tmp_path, beats())
    assert [shot.index for shot in plan.shots] == list(range(len(plan.shots)))


def test_storyboard_takes_the_words_of_the_writer(tmp_path: Path) -> None:
    plan = written(tmp_path, beats())
    assert plan.shots[0].prompt.startswith("wide shot of ")
    assert plan.shots[0].negative_prompt == "text, watermark"


def test_storyboard_names_the_section_that_a_shot_lies_in(tmp_path: Path) -> None:
    parts = (
        Section(start_s=0, end_s=4, label="verse", energy=0.3),
        Section(start_s=4, end_s=16, label="chorus", energy=0.9),
    )
    labels = [shot.section for shot in written(tmp_path, beats(sections=parts)).shots]
    assert labels == ["verse"] * 2 + ["chorus"] * 6


def test_storyboard_names_the_section_that_begins_within_a_shots_first_frame(tmp_path: Path) -> None:
    """A boundary at 2.51 s: the cut is at frame 60, 10 ms before it."""
    parts = (
        Section(start_s=0, end_s=2.51, label="verse", energy=0.3),
        Section(start_s=2.51, end_s=16, label="chorus", energy=0.9),
    )
    shots = written(tmp_path, beats(0, sections=parts), min_images=1).shots
    assert [shot.section for shot in shots if shot.start == 60] == ["chorus"]


def test_storyboard_has_no_section_where_none_is_known(tmp_path: Path) -> None:
    assert {shot.section for shot in written(tmp_path, beats()).shots} == {""}


def test_storyboard_of_a_short_song_has_the_fewest_pictures_on_beats(tmp_path: Path) -> None:
    plan = written(tmp_path, beats(9, 5), min_images=8)
    assert len(plan.shots) == 8
    assert all(shot.beat is not None for shot in plan.shots)


def test_storyboard_notes_that_pictures_change_more_often_than_asked_for(tmp_path: Path) -> None:
    plan = written(tmp_path, beats(24, 12), beats_per_image=4, min_images=8)
    assert len(plan.shots) >= 8
    assert plan.notes == ("min_images=8: beats_per_image would give 6, so pictures change more often",)
    assert written(tmp_path, beats(24, 12), beats_per_image=4, min_images=6).notes == ()


def test_storyboard_notes_that_a_song_is_too_short_for_whole_beats(tmp_path: Path) -> None:
    assert "too short for 8 pictures at whole beats" in written(tmp_path, beats(5, 2), min_images=8).notes[0]


def test_storyboard_without_beats_needs_no_note_of_its_own(tmp_path: Path) -> None:
    assert written(tmp_path, beats(0), min_images=8).notes == ()


def test_storyboard_with_another_seed_has_other_pictures(tmp_path: Path) -> None:
    seeds = [{shot.seed for shot in written(tmp_path, beats(), seed=seed).shots} for seed in (0, 1)]
    assert not seeds[0] & seeds[1]


def test_storyboard_says_what_paces_each_shot(tmp_path: Path) -> None:
    plans = written(tmp_path, beats()), written(tmp_path, beats(0))
    assert [{shot.paced_by for shot in plan.shots} for plan in plans] == [{"beats"}, {"even"}]


@pytest.mark.parametrize("pace", [{"calm": 8, "loud": 2}, {"A": 8, "B": 2}, {"A": 8, "default": 2}])
def test_storyboard_paces_pictures_by_energy_or_section(tmp_path: Path, pace: dict[str, int]) -> None:
    plan = written(tmp_path, beats(sections=PARTS), beats_per_image=pace, min_images=1)
    assert [shot.beat for shot in plan.shots] == [0, 8, *range(16, 32, 2)]
    assert plan.notes == ()


def test_storyboard_notes_a_label_that_the_song_has_not(tmp_path: Path) -> None:
    seen: list[Event] = []
    stage = WriteStoryboard(writer=Template(), beats_per_image={"chorus": 2})
    context = stage_context(tmp_path, publish=seen.append)
    plan = stage.run(context, song=a_song(tmp_path), style=style(), beats=beats(sections=PARTS))
    assert plan.notes == ("beats_per_image: the song has no section chorus; it has A, B",)
    assert [event.message for event in seen if isinstance(event, Notice)] == list(plan.notes)


def test_storyboard_notes_an_energy_that_the_song_has_not(tmp_path: Path) -> None:
    plan = written(tmp_path, beats(sections=PARTS), beats_per_image={"normal": 2, "loud": 2}, min_images=1)
    assert plan.notes == ("beats_per_image: no section of the song is normal",)


def test_storyboard_of_a_waltz_changes_pictures_on_the_bar_and_says_so(tmp_path: Path) -> None:
    waltz = dataclasses.replace(beats(), bar_position=tuple(beat % 3 + 1 for beat in range(len(beats().times_s))))
    plan = written(tmp_path, waltz, beats_per_image=4, min_images=1)
    assert all(shot.beat % 3 == 0 for shot in plan.shots if shot.beat is not None)
    assert plan.notes == ("bars have 3 beats here: pictures of 4 beats stay 3, to change on the bar",)


def test_storyboard_is_the_same_thing_whatever_the_order_of_a_mapping() -> None:
    one, other = (
        WriteStoryboard(writer=Template(), beats_per_image=pace)
        for pace in ({"calm": 8, "loud": 2}, {"loud": 2, "calm": 8})
    )
    assert Cache.key(one.identity()) == Cache.key(other.identity())
    assert Cache.key(one.identity()) != Cache.key(WriteStoryboard(writer=Template(), beats_per_image=4).identity())


def test_storyboard_refuses_a_misspelled_energy() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'calm'"):
        WriteStoryboard(writer=Template(), beats_per_image={"clam": 8})


def test_storyboard_of_more_pictures_begins_with_the_same_words(tmp_path: Path) -> None:
    few, many = (written(tmp_path, beats(), beats_per_image=count, min_images=1).shots for count in (4, 2))
    assert [shot.prompt for shot in many][: len(few)] == [shot.prompt for shot in few]


def test_storyboard_tells_the_writer_what_is_known(tmp_path: Path) -> None:
    song = dataclasses.replace(a_song(tmp_path), artist="The Pier", start_s=10.0, lyrics=LYRICS)
    stage = WriteStoryboard(writer=Curious(), idea="Two meet.", subject="a girl", seed=3, min_images=1)
    plan = stage.run(stage_context(tmp_path), song=song, style=style(), beats=beats(sections=PARTS))
    [brief] = Curious.asked
    assert (brief.title, brief.artist, brief.seed) == ("Night Train", "The Pier", 3)
    assert (brief.idea, brief.subject) == ("Two meet.", "a girl")
    assert (brief.tempo_bpm, brief.meter, brief.duration_s) == (120.0, "", 16.0)
    assert [slot.lyric for slot in brief.slots] == ["", "one", "one", "two", "two", "", "", ""]
    assert [shot.lyric for shot in plan.shots] == [slot.lyric for slot in brief.slots]


LYRICS = (
    LyricLine(start_s=0.0, text="before the window"),
    LyricLine(start_s=9.0, text=""),
    LyricLine(start_s=12.2, text="one"),
    LyricLine(start_s=15.8, text="two"),
    LyricLine(start_s=20.0, text=""),
)


@plugin
class Curious(Writer):
    """Keeps what it is asked."""

    name = "curious"
    asked: ClassVar[list[Brief]] = []

    def write(self, brief: Brief) -> list[Prompt]:
        Curious.asked[:] = [brief]
        return Template().write(brief)


def test_storyboard_shows_the_subject_in_every_prompt(tmp_path: Path) -> None:
    plan = written(tmp_path, beats(), subject="a girl with a red umbrella")
    assert all("a girl with a red umbrella" in shot.prompt for shot in plan.shots)


def test_storyboard_draws_from_one_seed_where_that_is_wanted(tmp_path: Path) -> None:
    assert {shot.seed for shot in written(tmp_path, beats(), seed=5, one_seed=True).shots} == {5}


@plugin
class Lazy(Writer):
    """Forgets the last shot."""

    name = "lazy"

    def write(self, brief: Brief) -> list[Prompt]:
        return Template().write(brief)[:-1]


def test_storyboard_refuses_a_writer_that_forgets_a_shot(tmp_path: Path) -> None:
    stage = WriteStoryboard(writer=Lazy())
    with pytest.raises(PluginError, match=r"writer \(lazy\): gave 7 prompts for 8 shots;"):
        stage.run(stage_context(tmp_path), song=a_song(tmp_path), style=style(), beats=beats())


def test_storyboard_refuses_a_rate_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="fps must be a number"):
        WriteStoryboard(writer=Template(), fps="fast")
