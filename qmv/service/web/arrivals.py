"""Which uploads lie there only because requests are under way, so that those of refused requests can go again, and
which ones for videos that the session has no more.

The same song may come with another request of the session, or lie there for videos that it has: a file goes when the
last request of the session is over, and only where it was not there before and no request was taken that brought it;
or where a request was taken whose videos replace what the session had before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qmv.service.intake.uploads import folder_of
from qmv.service.queue.board import Refused
from qmv.service.settings import ServiceSettings

__all__ = ["Arrivals", "Songs"]


@dataclass(kw_only=True)
class Songs:
    """The uploads of one request; once they `may_be_queued`, only a refusal tells that they are not. `replace` is set
    where the session now has the videos of these songs, and no others."""

    paths: set[Path] = field(default_factory=set)
    may_be_queued: bool = False
    replace: set[Path] | None = None


@dataclass(kw_only=True)
class _UnderWay:
    """The requests of one session; the files that were `there` before the first of them."""

    there: frozenset[Path]
    requests: int = 0
    came: set[Path] = field(default_factory=set)
    needed: set[Path] = field(default_factory=set)


class Arrivals:
    """One for a process."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._sessions: dict[str, _UnderWay] = {}

    @contextlib.contextmanager
    def of(self, session: str) -> Iterator[Songs]:
        """For the time from the first look at a request's files until the queue has answered."""
        folder, songs = folder_of(session, self._settings), Songs()
        if session not in self._sessions:
            there = folder.iterdir() if folder.is_dir() else ()  # what another process writes has a dot before it
            self._sessions[session] = _UnderWay(there=frozenset(one for one in there if one.name[0] != "."))
        under_way = self._sessions[session]
        under_way.requests += 1
        try:
            yield songs
        except Refused:
            songs.may_be_queued = False
            raise
        finally:
            under_way.requests -= 1
            under_way.came |= songs.paths
            if songs.replace is not None:
                under_way.came |= under_way.there
                under_way.there, under_way.needed = frozenset(), songs.replace
            under_way.needed |= songs.paths if songs.may_be_queued else set()
            if not under_way.requests:
                del self._sessions[session]
                _remove(under_way.came - under_way.there - under_way.needed, folder)


def _remove(files: set[Path], folder: Path) -> None:
    """What cannot be removed now is removed with the session's folder, when nobody knows of it any more."""
    with contextlib.suppress(OSError):
        for file in files:
            file.unlink(missing_ok=True)
        folder.rmdir()  # where nothing else is in it
