"""Which entries of the local cache came from the shared one, and which of those are doubted.

A lie with right hashes and a right form is found by the proof only, when it is in the cache already. So entries that
were fetched have a mark, an empty file; after a run that failed with them they are forgotten, and doubted until they
were made here and have taken the place of what stands there. Imported by the shared cache only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmv.engine.cache import Cache

__all__ = ["Doubts"]

Entry = tuple[str, str]  # area and key


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """The marks of one shared cache's entries, in the local cache."""

    cache: Cache
    place: str  # a name for the shared cache that a folder can have

    def fetched(self, entry: Entry) -> None:
        """Notes that an entry is from elsewhere, or was made of what is; before it has its place in the cache."""
        _touch(self._mark("fetched", entry))

    def is_fetched(self, entry: Entry) -> bool:
        return self._mark("fetched", entry).exists()

    def is_doubted(self, entry: Entry) -> bool:
        return self._mark("doubted", entry).exists()

    def doubt(self, pieces: Iterable[Entry], results: Iterable[Entry]) -> None:
        """Forgets fetched pieces for good, and results in which they are; of these the files stay to be looked at."""
        for entry in results:
            self.cache.forget(*entry)
            self._mark("fetched", entry).unlink(missing_ok=True)
        for entry in pieces:
            _touch(self._mark("doubted", entry))
            self.cache.drop(*entry)
            self._mark("fetched", entry).unlink(missing_ok=True)

    def mended(self, entry: Entry) -> None:
        """What stands there is this machine's own by now."""
        self._mark("doubted", entry).unlink(missing_ok=True)

    def _mark(self, kind: str, entry: Entry) -> Path:
        return self.cache.root / kind / self.place / entry[0] / entry[1]


def _touch(mark: Path) -> None:
    with contextlib.suppress(OSError):  # a disk that is full has worse to tell
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
