"""Sentences for everybody: what a render says of its own machine stays on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qmv.engine.secrets import redacted
from qmv.engine.song_addresses import is_remote
from qmv.service.queue.jobs import Order
from qmv.service.settings import ServiceSettings

__all__ = ["Outward"]

_PATH = re.compile(r"(?<![\w:/.~])~?/(?:[^\s/'\"():,;]+/)+([^\s/'\"():,;]*)")  # no part of an address
_WINDOWS = re.compile(r"\b[A-Za-z]:\\(?:[^\s\\'\"():,;]+\\)*([^\s\\'\"():,;]*)")
_LONGEST = 1000


@dataclass(frozen=True, kw_only=True)
class Outward:
    """Turns words of a render into words for outsiders: a song has its title, another file its last name only."""

    known: Mapping[str, str]

    @classmethod
    def of(cls, order: Order, settings: ServiceSettings, folder: Path) -> Outward:
        outputs = Path(settings.outputs).absolute()
        song = {} if is_remote(order.song) else {order.song: order.title}
        return cls(known=song | {str(folder): "the run", str(outputs): "outputs", str(Path.home()): "~"})

    def __call__(self, text: str) -> str:
        text = redacted(text)
        for path, word in self.known.items():
            if len(path) > 1:
                text = text.replace(path, word)
        text = _WINDOWS.sub(r"\1", _PATH.sub(r"\1", text))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
