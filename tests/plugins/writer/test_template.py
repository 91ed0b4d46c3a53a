"""The template writer: varied, repeatable, with a theme for each kind of section."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from qmv.api import Brief, Prompt, Slot
from qmv.artifacts import Section
from qmv.plugins.writer.template import Template
from qmv.testing import WriterContract, style


class TestTemplate(WriterContract):
    plugin = Template()


def brief(slots: int, *, seed: int = 0, **changes: object) -> Brief:
    places = tuple(Slot(index=i, start_s=float(i), end_s=i + 1.0, section=None) for i in range(slots))
    return Brief(title="Night Train", artist="The Pier", style=style(**changes), slots=places, seed=seed)


def sung(labels: str, **changes: object) -> Brief:
    """A slot for each letter, in a section of that label."""
    parts = [Section(start_s=0.0, end_s=1.0, label=label, energy=0.5) for label in labels]
    whole = brief(len(labels), **changes)
    return dataclasses.replace(
        whole, slots=tuple(dataclasses.replace(slot, section=part) for slot, part in zip(whole.slots, parts))
    )


def by_label(labels: str, **changes: object) -> dict[str, list[Prompt]]:
    prompts = Template().write(sung(labels, **changes))
    return {label: [prompt for prompt, own in zip(prompts, labels) if own == label] for label in set(labels)}


@pytest.mark.parametrize("seed", range(5))
def test_template_never_gives_neighbours_the_same_subject(seed: int) -> None:
    subjects = [prompt.subject for prompt in Template().write(brief(60, seed=seed))]
    assert all(a != b for a, b in itertools.pairwise(subjects))


@pytest.mark.parametrize("seed", range(5))
def test_template_never_gives_neighbours_the_same_mood(seed: int) -> None:
    moods = [prompt.text for prompt in Template().write(brief(40, seed=seed, prompt="{mood}", moods=("a", "b", "c")))]
    assert all(a != b for a, b in itertools.pairwise(moods))


def test_template_uses_every_subject_before_any_comes_again() -> None:
    prompts = Template().write(brief(4))
    assert sorted(prompt.subject for prompt in prompts) == sorted(style().subjects)


def test_template_begins_with_the_same_prompts_when_there_are_more_slots() -> None:
    assert Template().write(brief(30))[:7] == Template().write(brief(7))


def test_template_walks_through_the_framings_in_order() -> None:
    framings = [prompt.framing for prompt in Template().write(brief(4))]
    assert framings == ["wide shot", "close-up", "low angle", "wide shot"]


def test_template_fills_every_placeholder() -> None:
    [prompt] = Template().write(
        brief(1, prompt="{shot}/{subject}/{mood}/{title}/{artist}", subjects=("x",), moods=("y",))
    )
    assert prompt.text == "wide shot/x/y/Night Train/The Pier"


def test_template_leaves_out_a_mood_where_the_style_has_none() -> None:
    [prompt] = Template().write(brief(1, prompt="a {mood} {subject}", subjects=("pier",), moods=()))
    assert prompt.text == "a pier"


def test_template_hands_on_the_negative_prompt() -> None:
    assert {prompt.negative_text for prompt in Template().write(brief(3))} == {"text, watermark"}


def test_template_gives_each_shot_a_seed_of_its_own() -> None:
    assert len({prompt.seed for prompt in Template().write(brief(200))}) == 200


def test_template_gives_other_seeds_for_another_seed() -> None:
    seeds = [{prompt.seed for prompt in Template().write(brief(20, seed=seed))} for seed in (0, 1)]
    assert not seeds[0] & seeds[1]


def test_template_repeats_a_single_subject() -> None:
    assert {prompt.subject for prompt in Template().write(brief(5, subjects=("one",)))} == {"one"}


def test_template_deals_two_subjects_without_end() -> None:
    slot = Slot(index=3000, start_s=0.0, end_s=1.0, section=None)
    assert len(Template().write(dataclasses.replace(brief(1, subjects=("a", "b")), slots=(slot,)))) == 1


def test_template_looks_at_the_number_of_a_slot_only() -> None:
    whole = brief(6)
    part = dataclasses.replace(whole, slots=whole.slots[3:])
    assert Template().write(part) == Template().write(whole)[3:]


# -- sections --------------------------------------------------------------------------------------------------------

DECK = {"subjects": tuple("abcdefghijkl"), "moods": tuple("1234567"), "prompt": "{shot}, {subject}, {mood}"}


@pytest.mark.parametrize("seed", range(3))
def test_template_gives_each_label_subjects_of_its_own(seed: int) -> None:
    families = [
        {prompt.subject for prompt in prompts}
        for prompts in by_label("AAAAABBBBBAAAAACCCCC", seed=seed, **DECK).values()
    ]
    assert all(len(family) > 1 for family in families)
    assert all(not a & b for a, b in itertools.combinations(families, 2))


def test_template_gives_each_label_one_mood_of_its_own() -> None:
    moods = [{prompt.text[-1] for prompt in prompts} for prompts in by_label("AAABBBACCC", **DECK).values()]
    assert [len(mood) for mood in moods] == [1, 1, 1]
    assert len(set.union(*moods)) == 3


def test_template_gives_a_label_that_comes_again_the_same_theme_and_other_pictures() -> None:
    first, again = (Template().write(sung("AAAAAABBBAAAAAA", **DECK))[part] for part in (slice(0, 6), slice(9, 15)))
    assert {prompt.subject for prompt in first} == {prompt.subject for prompt in again}
    assert {prompt.text[-1] for prompt in first} == {prompt.text[-1] for prompt in again}
    assert not {prompt.seed for prompt in first} & {prompt.seed for prompt in again}


def test_template_varies_the_framing_within_a_theme() -> None:
    framings = [prompt.framing for prompt in by_label("AAABBB", **DECK)["B"]]
    assert len(set(framings)) == 3


def test_template_has_the_same_pictures_in_each_theme_when_there_are_more_slots() -> None:
    few, many = by_label("AABBA", **DECK), by_label("AAAABBBBAA", **DECK)
    assert all(many[label][: len(few[label])] == few[label] for label in "AB")


@pytest.mark.parametrize("labels", ["ABABAB", "AABBCCDDEEFF"])
def test_template_tells_labels_apart_where_a_style_has_few_words(labels: str) -> None:
    """Four subjects and three moods for up to six labels."""
    themes = {
        label: (frozenset(prompt.subject for prompt in prompts), prompts[0].text.rsplit(", ")[-1])
        for label, prompts in by_label(labels).items()
    }
    assert len(set(themes.values())) == len(themes)


def test_template_takes_one_label_for_a_song_without_sections() -> None:
    assert Template().write(sung("AAAAAA")) == Template().write(brief(6))


def test_template_takes_slots_outside_of_sections_for_a_theme() -> None:
    song = sung("AABB", **DECK)
    slots = (dataclasses.replace(song.slots[0], section=None), *song.slots[1:])
    assert len(Template().write(dataclasses.replace(song, slots=slots))) == 4
