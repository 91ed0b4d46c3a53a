"""Sentences for everybody: what a render says of its own machine stays on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qmv.engine.secrets import redacted
from qmv.engine.song_addresses import is_remote
from qmv.service.queue.jobs import Order
from qmv.service.sentences import told
from qmv.service.settings import ServiceSettings
from qmv.service.work.recipe import song_of

__all__ = ["Outward"]

_LONGEST = 1000


@dataclass(frozen=True, kw_only=True)
class Outward:
    """Turns words of a render into words for outsiders: a song has its title, another file its last name only."""

    known: Mapping[str, str]

    @classmethod
    def of(cls, order: Order, settings: ServiceSettings, folder: Path) -> Outward:
        outputs = Path(settings.outputs).absolute()
        song = {} if is_remote(order.song) else {song_of(order, settings): order.title}
        return cls(known=song | {str(folder): "the run", str(outputs): "outputs", str(Path.home()): "~"})

    def __call__(self, text: str) -> str:
        text = redacted(text)  # before a secret's place is changed by a word
        for path, word in self.known.items():
            if len(path) > 1:
                text = text.replace(path, word)
        text = told(text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
