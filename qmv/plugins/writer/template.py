"""Prompts from the style's own words: its sentence filled with varied shots, subjects and moods."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from qmv.analysis.energy import level
from qmv.api import Brief, Prompt, Slot, Writer, plugin, setting
from qmv.plugins.writer.template_words import character, forbidden, shown, worded

__all__ = ["Template"]


@plugin
class Template(Writer):
    """Walks through the style's shots, and shuffles its subjects and moods so that neighbours differ.

    Sections that share a label share a theme: a few of the subjects, and a mood; another label has others, as far as
    the style has enough. A shot's words depend on the style, the song's title and labels, the seed, its own label and
    its number among the shots of that label, so that a variant with more pictures has the same ones in each theme, and
    more. Without sections, or with one label only, the whole song is one theme of everything.

    The user's subject stands in front of the style's, which are its background then. Colours, the light of calm and
    loud sections, the song's names and the user's brief follow the style's sentence, and so does the line that is sung
    in a shot: that goes with the shot's time, so variants of a song with lyrics share fewer pictures.
    """

    name = "template"
    version = 3
    song_names: str = setting(
        "what prompts tell of the song: both is title and artist; image models may paint the face of a known artist",
        default="both",
        choices=("both", "title", "none"),
    )

    def write(self, brief: Brief) -> list[Prompt]:
        labels = _labels(brief)
        themes = _themes(brief, labels)
        counts = dict.fromkeys(labels, 0)
        prompts = []
        for slot in brief.slots:
            label = slot.section.label if slot.section else ""
            number = counts[label] if len(labels) > 1 else slot.index
            prompts.append(_prompt(brief, slot, themes[label], number, self.song_names))
            counts[label] += 1
        return prompts


class _Theme(NamedTuple):
    """What the sections of one label show: `first` is the framing that they begin with, `light` suits their energy."""

    seed: str
    first: int
    light: str
    subjects: tuple[str, ...]
    moods: tuple[str, ...]


def _labels(brief: Brief) -> list[str]:
    """The labels in the order in which the song brings them."""
    return list(dict.fromkeys(slot.section.label if slot.section else "" for slot in brief.slots))


def _themes(brief: Brief, labels: list[str]) -> dict[str, _Theme]:
    style, count = brief.style, len(labels)
    seed = f"{style.name}/{brief.title}/{brief.seed}"
    if count < 2:
        return {label: _Theme(seed, 0, _light(brief, label), style.subjects, style.moods) for label in labels}
    subjects, moods = _shuffled(style.subjects, f"{seed}/subjects"), _shuffled(style.moods, f"{seed}/moods")
    return {
        label: _Theme(
            seed=f"{seed}/{label}",
            first=number,
            light=_light(brief, label),
            subjects=_share(subjects, number, count, at_least=2),
            moods=_share(moods, number, count, at_least=1)[:1],
        )
        for number, label in enumerate(labels)
    }


def _share(cards: list[str], number: int, count: int, at_least: int) -> tuple[str, ...]:
    """The part of the cards that is one of `count`'s own; parts overlap only where there are too few cards."""
    if not cards:
        return ()
    size = min(len(cards), max(at_least, len(cards) // count))
    first = number * len(cards) // count if count <= len(cards) else number
    return tuple(cards[(first + place) % len(cards)] for place in range(size))


def _light(brief: Brief, label: str) -> str:
    """One for all sections of a label, so that it does not hang on which of them a picture falls into."""
    parts = {slot.section for slot in brief.slots if slot.section is not None and slot.section.label == label}
    length_s = sum(part.end_s - part.start_s for part in parts)
    if length_s <= 0:
        return ""
    return character(level(sum(part.energy * (part.end_s - part.start_s) for part in parts) / length_s))


def _prompt(brief: Brief, slot: Slot, theme: _Theme, number: int, names: str) -> Prompt:
    style = brief.style
    framing = style.shots[(theme.first + number) % len(style.shots)]
    subject = shown(brief, _dealt(theme.subjects, number, f"{theme.seed}/subjects"))
    mood = _dealt(theme.moods, number, f"{theme.seed}/moods") if theme.moods else ""
    return Prompt(
        text=worded(brief, slot, framing=framing, subject=subject, mood=mood, light=theme.light, names=names),
        negative_text=forbidden(brief),
        framing=framing,
        subject=subject,
        seed=_number(f"{theme.seed}/{number}") % 2**31,
    )


def _dealt(cards: tuple[str, ...], index: int, seed: str) -> str:
    """The card at a place of an endless deal: each round is a shuffle of all cards, and no two neighbours are equal."""
    if len(cards) < 3:
        return cards[index % len(cards)]
    round_number, place = divmod(index, len(cards))
    order = _shuffled(cards, f"{seed}/{round_number}")
    if round_number and order[0] == _shuffled(cards, f"{seed}/{round_number - 1}")[-1]:
        order[:2] = order[1::-1]  # which leaves the last card, that the next round looks at, where it is
    return order[place]


def _shuffled(cards: tuple[str, ...], seed: str) -> list[str]:
    return sorted(cards, key=lambda card: _number(f"{seed}/{card}"))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
