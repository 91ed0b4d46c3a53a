"""Sends entries of the cache to a place, beside the work and never in its way.

What is to be sent has an empty file as a mark in the cache until it has arrived; so what a killed run leaves, or one
whose network was away, the next one sends. Imported by `qmv.engine.shared_cache` only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import File
from qmv.engine.doubts import Doubts
from qmv.engine.parcels import Broken, pack
from qmv.errors import OutputError
from qmv.objects.store import ObjectStore, Standing, Taken, Upload

if TYPE_CHECKING:
    from qmv.engine.cache import Cache

__all__ = ["MOST_BYTES", "SIGN", "Entry", "Outbox", "object_name"]

log = logging.getLogger("qmv")

MOST_BYTES = 1 << 30  # an entry; a picture of 8192 x 8192 has 300 MB at worst
SIGN = "shared_cache.qmv1"  # stands where anything stands: who may read only knows the place by it
_THREADS = 4  # they have the run's length

Entry = tuple[str, str]  # area and key


def object_name(area: str, key: str) -> str:
    """Where an entry stands; with the form of parcels, so that another form stands beside this one."""
    return f"{area}/{key[:2]}/{key}.qmv1"


@dataclass(kw_only=True, eq=False)
class Outbox:
    """The queue of a run; it holds keys only, and a thread packs an entry when its turn has come.

    `seen` tells what stands there under the names of entries that were asked for: nothing, or what is to be replaced.
    `stuck` gets what keeps everything from being sent, from any thread.
    """

    store: ObjectStore
    secret: bytes = field(repr=False)
    cache: Cache
    place: str
    stuck: Callable[[Exception], None]
    shut: bool = False
    seen: dict[Entry, Standing | None] = field(default_factory=dict)
    _pool: ThreadPoolExecutor | None = None
    _sending: list[Future[None]] = field(default_factory=list)
    _signed: bool = False

    def add(self, area: str, key: str) -> None:
        """Sends an entry as soon as may be; in a later run where nothing can be sent now."""
        with contextlib.suppress(OSError):  # a disk that is full has worse to tell
            self._mark(area, key).parent.mkdir(parents=True, exist_ok=True)
            self._mark(area, key).touch()
        if self.shut:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="qmv-send")
        self._sending.append(self._pool.submit(self._try, area, key))

    def left(self) -> Iterator[Entry]:
        """What earlier runs did not send."""
        for mark in sorted(self._marks.glob("*/*")):
            yield mark.parent.name, mark.name

    def wait(self, seconds: float | None = None) -> int:
        """Waits until all is sent, or cannot be; how many are in work after so many seconds."""
        return len(wait(self._sending, timeout=seconds).not_done)

    def close(self) -> None:
        """Sends nothing more; waits for nothing."""
        self.shut = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _try(self, area: str, key: str) -> None:
        if self.shut:
            return
        try:
            with contextlib.suppress(Taken):  # another machine was quicker with the same
                self._send(area, key)
        except (Broken, FileNotFoundError, ValueError):  # gone or changed here since; whoever wants it makes it again
            log.info("shared cache: %s/%s is not sent", area, key, exc_info=True)
        except Exception as error:  # whatever it is, the run does not hang on it
            self.stuck(error)
            return
        self._mark(area, key).unlink(missing_ok=True)
        self.doubts.mended((area, key))

    def _send(self, area: str, key: str) -> None:
        name = object_name(area, key)
        if (area, key) not in self.seen:
            standing, doubted = self._look(name), self.doubts.is_doubted((area, key))
            if standing is not None and not doubted:
                return  # if it is broken, whoever wants it finds out
            self.seen[area, key] = standing
        with tempfile.TemporaryDirectory(prefix="qmv-") as folder:
            parcel = Path(folder) / "parcel"
            pack(self.cache.folder(area, key), parcel, area=area, key=key, secret=self.secret)
            if parcel.stat().st_size <= MOST_BYTES:
                self._sign(Path(folder) / "sign")
                self._put(parcel, name, self.seen.get((area, key)))

    def _look(self, name: str) -> Standing | None:
        """What stands under a name; raises Broken where nothing can stand there, in a place that is well."""
        try:
            return self.store.look(name)
        except (OutputError, RuntimeError) as error:
            self.store.look(SIGN)
            raise Broken("no entry can stand under its name") from error

    def _sign(self, file: Path) -> None:
        if self._signed:
            return
        self._signed = True
        if self.store.look(SIGN) is None:
            file.write_bytes(b"qmv\n")
            with contextlib.suppress(Taken):
                self._put(file, SIGN, None)

    def _put(self, file: Path, name: str, replaces: Standing | None) -> None:
        self.store.send(Upload(file=File.of(file), key=name), replaces, _keep_quiet)

    def _mark(self, area: str, key: str) -> Path:
        return self._marks / area / key

    @property
    def _marks(self) -> Path:
        return self.cache.root / "unshared" / self.doubts.place

    @functools.cached_property
    def doubts(self) -> Doubts:
        """The marks of what came from there."""
        return Doubts(cache=self.cache, place=hashlib.sha256(self.place.encode()).hexdigest()[:16])


def _keep_quiet(done: int) -> None:
    """The run does not wait for what is sent."""
