"""Sends entries of the cache to a place, beside the work and never in its way.

What is to be sent has an empty file as a mark in the cache until it has arrived; so what a killed run leaves, or one
whose network was away, the next one sends. Imported by `qmv.engine.shared_cache` only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator
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
_THREADS = 4  # they have the run's length; nobody waits for one that hangs, nor does the end of the process

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
    _todo: queue.SimpleQueue[Entry | None] = field(default_factory=queue.SimpleQueue)
    _threads: int = 0
    _in_work: int = 0  # what was added and has neither arrived nor failed
    _ended: threading.Condition = field(default_factory=threading.Condition)
    _signed: bool = False

    def add(self, area: str, key: str) -> None:
        """Sends an entry as soon as may be; in a later run where nothing can be sent now."""
        with contextlib.suppress(OSError):  # a disk that is full has worse to tell
            self._mark(area, key).parent.mkdir(parents=True, exist_ok=True)
            self._mark(area, key).touch()
        with self._ended:
            if self.shut:
                return
            self._in_work += 1
            more = self._threads < _THREADS
            self._threads += more
        self._todo.put((area, key))
        if more:
            threading.Thread(target=self._work, name="qmv-send", daemon=True).start()

    def left(self) -> Iterator[Entry]:
        """What earlier runs did not send."""
        for mark in sorted(self._marks.glob("*/*")):
            yield mark.parent.name, mark.name

    def wait(self, seconds: float | None = None) -> int:
        """Waits until all is sent, or cannot be, or `stop` is called; how many are in work after so many seconds."""
        with self._ended:
            self._ended.wait_for(lambda: self.shut or not self._in_work, timeout=seconds)
            return self._in_work

    def stop(self) -> None:
        """Begins to send nothing more; what hangs on its way is waited for by nobody."""
        with self._ended:
            self.shut = True
            self._ended.notify_all()

    def close(self) -> None:
        """Sends nothing more, and lets the threads end."""
        self.stop()
        for _ in range(self._threads):
            self._todo.put(None)

    def _work(self) -> None:
        while (entry := self._todo.get()) is not None:
            try:
                self._try(*entry)
            except Exception:  # such as a mark that cannot be taken away: the next run looks again
                log.warning("shared cache: %s/%s", *entry, exc_info=True)
            with self._ended:
                self._in_work -= 1
                self._ended.notify_all()

    def _try(self, area: str, key: str) -> None:
        if self.shut:
            return
        try:
            self._send(area, key)
        except (Broken, FileNotFoundError, ValueError):  # gone or changed here since; whoever wants it makes it again
            log.info("shared cache: %s/%s is not sent", area, key, exc_info=True)
        except Exception as error:  # whatever it is, the run does not hang on it
            self.stuck(error)
            return
        self._mark(area, key).unlink(missing_ok=True)

    def _send(self, area: str, key: str) -> None:
        name, doubted = object_name(area, key), self.doubts.is_doubted((area, key))
        if (area, key) not in self.seen:
            standing = self._look(name)
            if standing is not None and not doubted:
                return  # if it is broken, whoever wants it finds out
            self.seen[area, key] = standing
        with tempfile.TemporaryDirectory(prefix="qmv-") as folder:
            parcel = Path(folder) / "parcel"
            pack(self.cache.folder(area, key), parcel, area=area, key=key, secret=self.secret)
            if parcel.stat().st_size <= MOST_BYTES:
                self._sign(Path(folder) / "sign")
                with contextlib.suppress(Taken):  # another machine was quicker with the same
                    self._put(parcel, name, self.seen.get((area, key)))
                if doubted:  # a doubt that came meanwhile is of what was sent, and stays
                    self.doubts.mended((area, key))

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
