"""Words for pictures."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from qmv.api.plugin import Plugin
from qmv.artifacts import Section, Style

__all__ = ["Brief", "Prompt", "Slot", "Writer"]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A shot that still wants its words. `lyric` is what is sung in it, '' where that is not known."""

    index: int
    start_s: float
    end_s: float
    section: Section | None
    lyric: str = ""


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a writer knows: the song, the style, what the user wants to see, and the shots to fill.

    `idea` is the user's brief for the whole video and `subject` who or what every picture shows; both may be ''.
    `tempo_bpm` is 0 and `meter` '' where they are not known.
    """

    title: str
    artist: str
    style: Style
    slots: tuple[Slot, ...]
    seed: int
    idea: str = ""
    subject: str = ""
    tempo_bpm: float = 0.0
    meter: str = ""
    duration_s: float = 0.0


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
    free: ClassVar[bool] = True  # costs no money and needs no key, so a dry run writes too

    def ready(self) -> None:
        """Raises QmvError where it cannot work here, such as for want of a key; asked before anything is made."""

    @abstractmethod
    def write(self, brief: Brief) -> list[Prompt]:
        """One prompt a slot, in order."""

    def stand_in(self) -> Writer | None:
        """A free writer that a dry run asks in place of one that is not; None: the dry run ends at the storyboard."""
        return None

    def gives_way(self) -> bool:
        """Whether the stand-in writes where this one fails, with a warning; else the run fails."""
        return False
