"""Words for pictures."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from qmv.api.plugin import Plugin
from qmv.artifacts import Section, Style

__all__ = ["Brief", "Prompt", "Slot", "Writer"]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A shot that still wants its words."""

    index: int
    start_s: float
    end_s: float
    section: Section | None


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a writer knows: the song, the style and the shots to fill."""

    title: str
    artist: str
    style: Style
    slots: tuple[Slot, ...]
    seed: int


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The words of one shot. `framing` is the kind of shot in film terms ('close-up'); `seed` in 0..2**31-1."""

    text: str
    negative_text: str
    framing: str
    subject: str
    seed: int


class Writer(Plugin):
    """Writes the prompts of a whole song in one call, so that a story can hold together."""

    kind = "writer"

    @abstractmethod
    def write(self, brief: Brief) -> list[Prompt]:
        """One prompt a slot, in order."""
