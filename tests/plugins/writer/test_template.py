"""The template writer: varied, repeatable, with a theme for each kind of section."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.api import Brief, Prompt, Slot
from qmv.artifacts import Section
from qmv.plugins.writer.template import Template
from qmv.testing import WriterContract, style


class TestTemplate(WriterContract):
    plugin = Template()


def brief(slots: int, *, seed: int = 0, **changes: object) -> Brief:
    """Of a song without a name, so that the style's sentence is the whole prompt."""
    places = tuple(Slot(index=i, start_s=float(i), end_s=i + 1.0, section=None) for i in range(slots))
    return Brief(title="", artist="", style=style(**changes), slots=places, seed=seed)


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
    places = "{shot}/{subject}/{mood}/{title}/{artist}/{lyric}/{section}"
    song = dataclasses.replace(
        sung("A", prompt=places, subjects=("x",), moods=("y",)), title="Night Train", artist="The Pier"
    )
    slots = (dataclasses.replace(song.slots[0], lyric="Going home."),)
    [prompt] = Template().write(dataclasses.replace(song, slots=slots))
    assert prompt.text == "wide shot/x/y/Night Train/The Pier/going home/A"


def test_template_leaves_out_a_mood_where_the_style_has_none() -> None:
    [prompt] = Template().write(brief(1, prompt="a {mood} {subject}", subjects=("pier",), moods=()))
    assert prompt.text == "a pier"


def test_template_calls_an_angle_a_shot_in_the_prompt_only() -> None:
    [prompt] = Template().write(brief(1, shots=("low angle",), subjects=("a pier",), moods=()))
    assert (prompt.text, prompt.framing) == ("low angle shot of a pier", "low angle")


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


# -- what is known besides the style ---------------------------------------------------------------------------------


def only(*, style_changes: dict[str, Any] | None = None, lyric: str = "", energy: float = 0.5, **known: Any) -> Prompt:
    """The one prompt of a brief that knows this."""
    section = Section(start_s=0.0, end_s=1.0, label="A", energy=energy)
    whole = brief(1, **{"prompt": "{shot} of {subject}, film", "subjects": ("a pier",)} | (style_changes or {}))
    slots = (dataclasses.replace(whole.slots[0], lyric=lyric, section=section),)
    writer = Template(song_names=known.pop("song_names", "both"))
    return writer.write(dataclasses.replace(whole, slots=slots, **known))[0]


PLAIN, BEHIND = "wide shot of a pier, film", "in the background a pier, film"


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({}, PLAIN),
        ({"subject": "a girl with a red umbrella"}, f"wide shot of a girl with a red umbrella, {BEHIND}"),
        ({"subject": " A girl\nwith a  dog. "}, f"wide shot of a girl with a dog, {BEHIND}"),
        ({"subject": "Anna"}, f"wide shot of Anna, {BEHIND}"),
        ({"subject": "Anna", "style_changes": {"prompt": "film"}}, f"Anna, {BEHIND}"),
        ({"energy": 0.1}, f"{PLAIN}, calm and still, gentle light"),
        ({"energy": 0.9}, f"{PLAIN}, full of energy and movement, dramatic light"),
        ({"lyric": '"Take me home" (home),'}, f"{PLAIN}, evoking the feeling of take me home"),
        ({"lyric": "TAKE ME HOME!"}, f"{PLAIN}, evoking the feeling of take me home!"),
        ({"lyric": "I don't know"}, f"{PLAIN}, evoking the feeling of I don't know"),
        ({"lyric": "Oh-oh, la la (yeah)"}, PLAIN),
        ({"title": "Night Train"}, f"{PLAIN}, in the spirit of the song Night Train"),
        ({"title": "Night Train", "artist": "The Pier"}, f"{PLAIN}, in the spirit of The Pier's song Night Train"),
        ({"title": "Rain", "artist": "The Roads"}, f"{PLAIN}, in the spirit of The Roads' song Rain"),
        ({"title": "Rain", "artist": "Y", "song_names": "title"}, f"{PLAIN}, in the spirit of the song Rain"),
        ({"title": "Rain", "artist": "Y", "song_names": "none"}, PLAIN),
        ({"artist": "The Pier"}, PLAIN),
        ({"idea": "Two meet. They part."}, f"{PLAIN}, a moment from this story: Two meet. They part"),
    ],
)  # fmt: skip
def test_template_tells_what_is_known(known: dict[str, Any], text: str) -> None:
    assert only(**known).text == text


@pytest.mark.parametrize(
    "title", ["track 07", "01", "Untitled", "mix_final_v2", "Recording (3)", "[Live]", "song", "-"]
)
def test_template_takes_the_name_of_a_file_for_no_title(title: str) -> None:
    assert only(title=title).text == PLAIN


@pytest.mark.parametrize(
    ("tag", "title"),
    [
        ("07 Rain (Remastered 2011)", "Rain"),
        ("3. Rain", "Rain"),
        ("99 Luftballons", "99 Luftballons"),
        ('"Rain"', "Rain"),
    ],
)
def test_template_tells_the_title_as_people_say_it(tag: str, title: str) -> None:
    assert only(title=tag).text.endswith(f"the song {title}")


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        (
            "{subject}, deep indigo shadows, magenta and cyan rim light",
            "a pier, deep shadows, rim light, in tones of sepia",
        ),
        ("{subject}, stark black and white film", "a pier, stark film, in tones of sepia"),
        ("{subject} in shades of blue and grey", "a pier in shades of blue and grey, in tones of sepia"),
        ("{subject}, redwood", "a pier, redwood, in tones of sepia"),
    ],
)
def test_template_takes_the_styles_hues_away_where_the_user_has_colours(sentence: str, text: str) -> None:
    assert only(style_changes={"prompt": sentence, "colours": "sepia"}).text == text


def test_template_takes_colours_as_the_user_calls_them() -> None:
    assert only(style_changes={"colours": "muted colours"}).text == f"{PLAIN}, muted colours"


def test_template_forbids_nothing_that_the_user_asks_for() -> None:
    negative = "text, people in the foreground, washed-out colours, pastel, extra fingers"
    assert only(style_changes={"negative_prompt": negative}).negative_text == negative
    asked = only(subject="a girl", style_changes={"negative_prompt": negative, "colours": "pastel blue"})
    assert asked.negative_text == "text, extra fingers"


def test_template_shows_the_subject_in_every_prompt_and_varies_what_is_behind_it() -> None:
    prompts = Template().write(dataclasses.replace(sung("AABBCA", **DECK), subject="a girl with a red umbrella"))
    assert all("a girl with a red umbrella" in prompt.text for prompt in prompts)
    assert all(a.subject != b.subject for a, b in itertools.pairwise(prompts))


def test_template_lights_all_sections_of_a_label_alike() -> None:
    """So that a picture is the same one whichever of them it falls into: 0.1 and 0.6 have a mean of 0.35."""
    song = sung("AABA")
    sections = [
        Section(start_s=slot.start_s, end_s=slot.end_s, label=label, energy=energy)
        for slot, label, energy in zip(song.slots, "AABA", [0.1, 0.6, 0.9, 0.35])
    ]
    slots = tuple(dataclasses.replace(slot, section=section) for slot, section in zip(song.slots, sections))
    texts = [prompt.text for prompt in Template().write(dataclasses.replace(song, slots=slots))]
    assert ["dramatic" in text for text in texts] == [False, False, True, False]
    assert not any("calm and still" in text for text in texts)


WORDS = st.text(st.sampled_from("ab ,.;:'\"\n{}()éÄ雨"), max_size=60)


@given(st.fixed_dictionaries(dict.fromkeys(("title", "artist", "subject", "idea", "lyric"), WORDS)), WORDS)
def test_template_writes_tidy_prompts_whatever_is_typed(known: dict[str, str], colours: str) -> None:
    sentence = "{shot} of {subject}, {mood}, {lyric}, {artist}. film"
    text = only(**known, style_changes={"prompt": sentence, "moods": (), "colours": colours}).text
    assert text == " ".join(text.split())
    assert not re.search(r", ?,| ,|^,|,$", text)


@given(st.integers(1, 40), st.integers(0, 3000))
def test_template_cuts_long_prompts_between_words(length: int, count: int) -> None:
    word = "x" * length
    long = " ".join([word] * count)
    text = only(subject="Anna", idea=long, title=long, lyric=long, style_changes={"prompt": "{subject}, " + long}).text
    assert text.startswith("Anna, in the background a pier")
    assert len(text) < 1900
    assert {part.strip(",") for part in text.split() if "x" in part} <= {word}
