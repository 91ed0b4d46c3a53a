"""Prompts from the style's own words: its sentence filled with varied shots, subjects and moods."""

from __future__ import annotations

import hashlib

from qmv.api import Brief, Prompt, Writer, plugin

__all__ = ["Template"]


@plugin
class Template(Writer):
    """Walks through the style's shots, and shuffles its subjects and moods so that neighbours differ.

    A shot's words depend on the style, the song's title, the seed and its number only, so that a variant with more
    pictures begins with the same ones.
    """

    name = "template"

    def write(self, brief: Brief) -> list[Prompt]:
        return [_prompt(brief, slot.index) for slot in brief.slots]


def _prompt(brief: Brief, index: int) -> Prompt:
    style = brief.style
    seed = f"{style.name}/{brief.title}/{brief.seed}"
    framing = style.shots[index % len(style.shots)]
    subject = _dealt(style.subjects, index, f"{seed}/subjects")
    mood = _dealt(style.moods, index, f"{seed}/moods") if style.moods else ""
    words = {"shot": framing, "subject": subject, "mood": mood, "title": brief.title, "artist": brief.artist}
    return Prompt(
        text=" ".join(style.prompt.format_map(words).split()),
        negative_text=style.negative_prompt,
        framing=framing,
        subject=subject,
        seed=_number(f"{seed}/{index}") % 2**31,
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
