"""The template writer: varied, repeatable, and a prefix of itself."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from qmv.api import Brief, Slot
from qmv.plugins.writer.template import Template
from qmv.testing import WriterContract, style


class TestTemplate(WriterContract):
    plugin = Template()


def brief(slots: int, *, seed: int = 0, **changes: object) -> Brief:
    places = tuple(Slot(index=i, start_s=float(i), end_s=i + 1.0, section=None) for i in range(slots))
    return Brief(title="Night Train", artist="The Pier", style=style(**changes), slots=places, seed=seed)


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
