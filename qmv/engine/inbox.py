"""Fetches entries of the shared cache into the local one: whole, compared and of the wanted form, or not at all.

Imported by `qmv.engine.shared_cache` only.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.engine.outbox import MOST_BYTES, SIGN, Entry, Outbox, object_name
from qmv.engine.parcels import Broken, unpack
from qmv.errors import OutputError, QmvError, output_error
from qmv.objects.store import Absent, ObjectStore, Standing, TooLarge
from qmv.objects.waiting import side_by_side

if TYPE_CHECKING:
    from qmv.engine.cache import Cache

__all__ = ["Check", "Inbox"]

log = logging.getLogger("qmv")

Check = Callable[[Path], object]
_FETCHES = 16  # at a time: most of a fetch is latency
_TRIES = 2  # at fetching what is broken: the first may be damage of the way
_LEAST_BYTES = 1 << 16  # in a silence: what drips is away


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """What a run fetches. `known` gets the entries of which nothing need be sent, `away` what keeps everything from
    coming, from any thread; after that `deaf` is true, and nothing more is asked for."""

    store: ObjectStore
    secret: bytes = field(repr=False)
    cache: Cache
    outbox: Outbox
    known: set[Entry]
    deaf: Callable[[], bool]
    away: Callable[[Exception], None]
    silence_s: float

    def fetch(self, area: str, keys: Sequence[str], check: Check) -> list[str]:
        """Fetches what stands there of entries, side by side; what is wrong with those that are broken."""
        broken: list[str] = []
        with tempfile.TemporaryDirectory(prefix="qmv-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            ended = side_by_side(
                lambda key: self._bring(area, key, check, folder / key), keys, threads=_FETCHES,
                came=lambda: _bytes_in(folder), silence_s=self.silence_s, least=_LEAST_BYTES,
            )  # fmt: skip
            try:
                broken.extend(words for words in ended if words)
            except TimeoutError as error:
                self.away(error)
        return broken

    def _bring(self, area: str, key: str, check: Check, parcel: Path) -> str:
        """Fetches one entry; what is wrong with the one that stands there, '' where nothing is."""
        try:
            with self.cache.lock(area, key, wait=False) as free:  # else another run is at it, and is waited for later
                pass  # it is not held meanwhile: who gives up a fetch must be able to make the entry
            if not self.deaf() and free and self.cache.get(area, key) is None:
                return self._fetch(area, key, check, parcel)
        except Exception as error:  # whatever it is, the entry can be made here
            self.away(error)
        return ""

    def _fetch(self, area: str, key: str, check: Check, parcel: Path) -> str:
        name, words = object_name(area, key), ""
        stood: Standing | None = None
        for _ in range(_TRIES):
            try:
                stood = None
                stood = self.store.fetch(name, parcel, MOST_BYTES)
                self._keep(area, key, check, parcel)
            except Absent:
                self.outbox.seen[area, key] = None
                return ""
            except TooLarge as error:
                words = f"it has {error.size_bytes} bytes"
            except Broken as error:
                words = str(error)
            except (OutputError, OSError, RuntimeError) as error:
                if not self._own_fault(error):
                    raise
                words = "it cannot be read"
            else:
                return ""
            finally:
                parcel.unlink(missing_ok=True)
            log.warning("shared cache: %s is not used: %s", name, words)
        try:
            self.outbox.seen[area, key] = stood or self.store.look(name)
        except (OutputError, RuntimeError):  # nor can anything take its place
            self.outbox.seen[area, key] = None
            self.known.add((area, key))
        return words

    def _keep(self, area: str, key: str, check: Check, parcel: Path) -> None:
        """Puts what was fetched into the local cache; raises Broken where it is not what was wanted."""

        def fill(part: Path) -> None:
            unpack(parcel, part, area=area, key=key, secret=self.secret)
            _check(part, check)
            self.outbox.doubts.fetched((area, key))

        with self.cache.lock(area, key, wait=False) as mine:
            if mine and not self.deaf() and self.cache.get(area, key) is None:
                self.cache.put(area, key, fill)
                self.known.add((area, key))

    def _own_fault(self, error: Exception) -> bool:
        """Whether it is the one entry, such as a folder under its name: the place and this disk are well."""
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and output_error(cause) is not None:
            return False
        try:
            self.store.look(SIGN)
        except (QmvError, RuntimeError):
            return False
        return True


def _check(folder: Path, check: Check) -> None:
    try:
        check(folder)
    except Exception as error:  # a stranger's bytes can make a reader raise anything
        raise Broken(f"it holds something else ({type(error).__name__})") from error


def _bytes_in(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:  # one of them is gone meanwhile
        return 0
