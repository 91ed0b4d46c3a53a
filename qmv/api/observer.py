"""Who is told of a run while it goes on: a database, a chat, a dashboard."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

from qmv.api.plugin import Plugin
from qmv.events import Event
from qmv.settings import plugin

__all__ = ["About", "Observer", "Watcher"]


@dataclass(frozen=True, kw_only=True)
class About:
    """The run that is watched: its session ('' for none) and number in it, its folder, the song's path or address, and
    the style's name. What it is called comes with the event RunStarted."""

    session: str
    n: int
    folder: Path
    song: str
    style: str


class Watcher:
    """Sees one run, in a thread of its own: it may take its time, and what it raises is logged, never fatal.

    `see` gets each event, in order, with secrets blanked out. `tell` is called after that, once for all that came
    meanwhile; so an output that is slow gets the latest state, and none is piled up. The last event is a RunFinished;
    for a run that is killed there is none.
    """

    def see(self, event: Event) -> None:
        """Notes an event; quick, and without a network."""

    def tell(self) -> None:
        """Hands on what is known now; the place for a network. It is called once before the first event, and one that
        raised is called again with the next event, and after the last one for as long as the run waits (2 s)."""

    def close(self) -> None:
        """Lets go of what it holds; called once, after the last `tell`."""


@plugin
class Observer(Plugin):
    """Tells others of runs. `observers=[NAME]` switches one on; none of them changes what is made."""

    kind = "observer"

    def ready(self, about: About) -> None:
        """Raises QmvError where it could never work, such as for want of an address, before anything is made; asks no
        network, since one that is away for now must not stop a run."""

    @abstractmethod
    def watch(self, about: About) -> Watcher:
        """Who sees this run."""
