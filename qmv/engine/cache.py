"""Content-addressed folders: the same key is made once, on this machine, by whichever process comes first.

An entry is a folder `root/<area>/<key[:2]>/<key>/`. It appears by a rename, so it is whole or absent: after kill -9
only a `.part` folder remains, which the next holder of the key's lock clears away. The lock is the operating
system's (flock), so it ends with its process. Low layer: stages reach it through `Context.cache`.

Behind it there may be a cache that machines share (`qmv.engine.shared_cache`): `bring` and `share` are the ways from
and to it, for entries that stand for themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.artifacts import File
from qmv.engine.shared_cache import Check, SharedCache
from qmv.errors import OutputError, QmvError

__all__ = ["Cache", "deleted", "digest", "is_gone"]

_SUMS = "sums.json"  # the hash of each file of an entry


def digest(value: Any) -> str:
    """SHA-256 in hex of the canonical JSON of a plain value (dicts, sequences, numbers, strings, Fraction, Path)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def deleted(root: Path) -> OutputError:
    """The sentence for a cache whose files went away while a run stood on them."""
    error = OutputError(
        f"outputs ({root}): files of the cache were deleted while the run went on; run the same command again, which "
        "makes them anew."
    )
    error.passing = True
    return error


def is_gone(path: Path) -> bool:
    """Whether nothing stands there; a place that cannot be looked at, as on a network disk that fails, is not gone."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _plain(value: object) -> object:
    if isinstance(value, (Fraction, Decimal, Path)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form: {value!r}")


@dataclass(frozen=True)
class Cache:
    """The cache below one folder; values of this class are cheap and can cross process borders.

    On the other side it is the local cache alone: the process of the run fetches and sends for its workers.
    """

    root: Path
    shared: SharedCache | None = field(default=None, compare=False)
    key = staticmethod(digest)

    def __reduce__(self) -> tuple[type[Cache], tuple[Path]]:
        return Cache, (self.root,)

    def folder(self, area: str, key: str) -> Path:
        """Where the entry stands, or would stand."""
        return self.root / area / key[:2] / key

    def get(self, area: str, key: str) -> Path | None:
        """The entry's folder; None where it is missing, or a file in it is gone or changed."""
        folder = self.folder(area, key)
        return folder if _intact(folder) else None

    @contextmanager
    def lock(self, area: str, key: str, *, wait: bool = True) -> Iterator[bool]:
        """Holds the key's lock inside the block; yields False where another process has it and `wait` is false."""
        from filelock import FileLock, Timeout

        path = self.folder(area, key).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def put(self, area: str, key: str, make: Callable[[Path], None]) -> Path:
        """Fills the entry by calling `make` with an empty folder; the caller holds the lock. Replaces a broken one.

        Raises OutputError where the folder was deleted meanwhile and `make` failed by that.
        """
        folder = self.folder(area, key)
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            make(part)
            files = [file for file in sorted(part.rglob("*")) if file.is_file()]
            sums = {file.relative_to(part).as_posix(): File.of(file).sha256 for file in files}
            (part / _SUMS).write_text(json.dumps(sums, indent=1), encoding="utf-8")
            self.drop(area, key)
            os.replace(part, folder)
        except BaseException as error:
            if isinstance(error, Exception) and is_gone(part) and _by_deletion(error, part):
                raise deleted(self.root) from error
            shutil.rmtree(part, ignore_errors=True)
            raise
        return folder

    def once(
        self, area: str, key: str, make: Callable[[Path], None], *, shared: Check | None = None
    ) -> tuple[Path, bool]:
        """The entry's folder and whether it was there already; processes that ask at the same time make it once.

        With `shared` it may come from the shared cache, and goes there; `shared` is the check of `bring`.
        """
        if shared is not None and self.get(area, key) is None:
            self.bring(area, [key], shared)
        folder, found = self._once(area, key, make)
        if shared is not None:
            self.share(area, [key])
        return folder, found

    def _once(self, area: str, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        if (folder := self.get(area, key)) is not None:
            return folder, True
        with self.lock(area, key):
            if (folder := self.get(area, key)) is not None:
                return folder, True
            return self.put(area, key, make), False

    def bring(self, area: str, keys: Sequence[str], check: Check) -> None:
        """Fetches entries that are missing here from the shared cache, side by side: `get` finds those that came.

        `check` is called with a folder for each, the key as its stem, whose bytes are what somebody once sent, and
        raises anything where they are not what the caller can read. What does not come is to be made, as without a
        shared cache.
        """
        if self.shared is not None:
            self.shared.bring(self, area, keys, check)

    def share(self, area: str, keys: Iterable[str]) -> None:
        """Sends entries that are here to the shared cache, in the background, where they are not there yet.

        An entry must stand for itself: nothing in it may name a file of this machine.
        """
        if self.shared is not None:
            self.shared.share(area, keys)

    def sweep(self, area: str, key: str) -> None:
        """Clears away what a maker of the entry left behind when it was killed; not while another one is at it."""
        with self.lock(area, key, wait=False) as mine:
            if mine:
                shutil.rmtree(self.folder(area, key).with_suffix(".part"), ignore_errors=True)

    def drop(self, area: str, key: str) -> None:
        """Forgets an entry."""
        shutil.rmtree(self.folder(area, key), ignore_errors=True)

    def forget(self, area: str, key: str) -> None:
        """Has an entry made anew when it is wanted again; until then its files stay, for people to look at."""
        (self.folder(area, key) / _SUMS).unlink(missing_ok=True)


def _by_deletion(error: Exception, part: Path) -> bool:
    """Whether an entry's folder that is gone is what its maker failed by. A sentence of QMV's own, as of a budget that
    is used up, has another cause unless it was raised from a file that is missing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FileNotFoundError):
            return True
        cause = cause.__cause__
    return not isinstance(error, QmvError) and is_gone(part.parent)


def _intact(folder: Path) -> bool:
    """Whether an entry holds what was put into it, to the byte: a damaged one must be made again, never used."""
    try:
        sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
        return bool(sums) and all(File.of(folder / name).sha256 == sha256 for name, sha256 in sums.items())
    except (OSError, ValueError, AttributeError):
        return False
