"""A cache that machines share: entries of the local one lie in a bucket or a folder too, under the same keys.

The local cache stays in front: what is used was fetched whole, compared hash by hash, and then got its name there. So a
shared entry that is damaged, forged or somebody else's is never used, and the place may be away at any moment: the run
goes on with what it has, and says so once. Low layer: stages reach it through `Context.cache`.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import File
from qmv.engine.parcels import Broken, pack, unpack
from qmv.errors import AccessError, ConfigError, PluginError, QmvError, ServiceError
from qmv.objects.store import Absent, ObjectStore, Standing, Taken, TooLarge, Upload

if TYPE_CHECKING:
    from qmv.engine.cache import Cache

__all__ = ["KEY_ENV", "SharedCache", "shared_cache", "sharing"]

log = logging.getLogger("qmv")

KEY_ENV = "QMV_CACHE_KEY"
_WHERE = "run.cache_url"
_SHORTEST_KEY = 16
_FETCHES, _SENDS = 16, 4  # at a time: a fetch is waited for and mostly latency, a send has the run's length
_TRIES = 2  # at fetching what is broken: the first may be damage of the way
_MOST_BYTES = 1 << 30  # an entry; a picture of 8192 x 8192 has 300 MB at worst
_TELL_S = 5.0  # of waiting for the last entries before the user hears what the run waits for
_PARCEL = ".parcel"  # no name of a file in an entry

Check = Callable[[Path], object]


def shared_cache(url: str, *, sends: bool) -> SharedCache | None:
    """The shared cache at an address, None for ''. With `sends` false nothing is put there, only taken.

    Raises ConfigError for an address of no known kind and for a QMV_CACHE_KEY that can be guessed.
    """
    from qmv.objects.places import open_store

    if not url.strip():
        return None
    secret = os.environ.get(KEY_ENV, "").strip()
    if secret and len(secret) < _SHORTEST_KEY:
        raise ConfigError(
            f"{KEY_ENV}: has {len(secret)} characters and could be guessed; give it {_SHORTEST_KEY} or more, the same "
            "on each machine."
        )
    return SharedCache(url=url.strip(), store=open_store(url.strip(), _WHERE), secret=secret.encode(), sends=sends)


@contextmanager
def sharing(cache: Cache, tell: Callable[[str], None]) -> Iterator[None]:
    """The block of a run. `tell` gets what the user should know, from the thread that the run has.

    At the end it waits until all is sent, unless Ctrl-C ends it. Raises where the address, the account or the bucket
    is wrong; a network that is away is told only.
    """
    if cache.shared is None:
        yield
        return
    cache.shared.begin(cache, tell)
    try:
        yield
    except KeyboardInterrupt:
        cache.shared.leave()
        raise
    except BaseException:
        cache.shared.finish()  # what was made, or bought, before the failure is others' as well
        raise
    cache.shared.finish()


@dataclass(kw_only=True, eq=False)
class SharedCache:
    """The place and a run's traffic with it; it stays in the process of the run."""

    url: str
    store: ObjectStore
    secret: bytes = field(default=b"", repr=False)
    sends: bool = True
    _tell: Callable[[str], None] = field(default=log.warning, init=False)
    _deaf: bool = field(default=False, init=False)  # nothing is fetched any more
    _mute: bool = field(default=False, init=False)  # nothing is sent any more
    _words: list[str] = field(default_factory=list, init=False)  # of any thread, for the user
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)
    _seen: dict[tuple[str, str], Standing | None] = field(default_factory=dict, init=False)  # absent, or broken
    _asked: set[tuple[str, str]] = field(default_factory=set, init=False)  # was sent, is in work, or came from there
    _pool: ThreadPoolExecutor | None = field(default=None, init=False)
    _sending: list[Future[None]] = field(default_factory=list, init=False)

    # -- the run -----------------------------------------------------------------------------------------------------

    def begin(self, cache: Cache, tell: Callable[[str], None]) -> None:
        """Looks whether the place can be used, and goes on with what earlier runs could not send."""
        self._tell = tell
        try:
            self.store.check()
        except (AccessError, ConfigError, PluginError):
            raise
        except QmvError as error:
            self._away(error)
        self._speak()
        for marker in sorted(self._markers(cache).glob("*/*")) if self.sends else ():
            self.share(cache, marker.parent.name, [marker.name])

    def finish(self) -> None:
        """Waits until everything is sent, or cannot be."""
        if self._pool is not None:
            waiting = wait(self._sending, timeout=_TELL_S).not_done
            if waiting:
                self._say(f"waiting until {len(waiting)} entries are in the shared cache")
                self._speak()
            self._pool.shutdown(wait=True)
        self._speak()

    def leave(self) -> None:
        """Sends nothing more; what stands half in a store's hands is nothing there."""
        self._mute = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    # -- taking ------------------------------------------------------------------------------------------------------

    def bring(self, cache: Cache, area: str, keys: Sequence[str], check: Check) -> None:
        """Fetches what stands there of entries that are missing here, side by side; see `Cache.bring`."""
        if self._deaf or not keys:
            return
        broken: list[str] = []
        pool = ThreadPoolExecutor(min(_FETCHES, len(keys)), thread_name_prefix="qmv-fetch")
        try:
            for words in pool.map(lambda key: self._fetched(cache, area, key, check), keys):
                broken += [words] if words else []
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if broken:
            many = "an entry is" if len(broken) == 1 else f"{len(broken)} entries are"
            self._say(f"{many} broken in the shared cache ({area}: {broken[0]}) and made anew")
        self._speak()

    def _fetched(self, cache: Cache, area: str, key: str, check: Check) -> str:
        """Fetches one entry; what is wrong with the one that stands there, '' where nothing is."""
        try:
            with cache.lock(area, key, wait=False) as mine:  # else another run is at it, and is waited for later
                if not self._deaf and mine and cache.get(area, key) is None:
                    return self._tried(cache, area, key, check)
        except Exception as error:  # whatever it is, the entry can be made here
            self._away(error)
        return ""

    def _tried(self, cache: Cache, area: str, key: str, check: Check) -> str:
        name, words = _name(area, key), ""
        stood: list[Standing] = []

        def fill(part: Path) -> None:
            stood[:] = []
            parcel = part / _PARCEL
            stood.append(self.store.fetch(name, parcel, _MOST_BYTES))
            unpack(parcel, part, area=area, key=key, secret=self.secret)
            parcel.unlink()
            _check(part, check)

        for _ in range(_TRIES):
            try:
                cache.put(area, key, fill)
            except Absent:
                self._seen[area, key] = None
                return ""
            except TooLarge as error:
                words = f"it has {error.size_bytes} bytes"
            except Broken as error:
                words = str(error)
            else:
                self._asked.add((area, key))
                return ""
            log.warning("shared cache: %s is not used: %s", self.store.address(name), words)
        self._seen[area, key] = stood[0] if stood else self.store.look(name)
        return words

    # -- giving ------------------------------------------------------------------------------------------------------

    def share(self, cache: Cache, area: str, keys: Iterable[str]) -> None:
        """Sends entries beside the work; the queue holds their keys only."""
        if not self.sends:
            return
        for key in keys:
            if (area, key) in self._asked:
                continue
            self._asked.add((area, key))
            _mark(self._markers(cache) / area / key)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_SENDS, thread_name_prefix="qmv-send")
            self._sending.append(self._pool.submit(self._sent, cache, area, key))

    def _sent(self, cache: Cache, area: str, key: str) -> None:
        if self._mute:
            return
        try:
            with contextlib.suppress(Taken):  # another machine was quicker with the same
                self._send(cache, area, key)
        except (Broken, FileNotFoundError, ValueError):  # gone or changed here since; whoever wants it makes it again
            log.info("shared cache: %s/%s is not sent", area, key, exc_info=True)
        except Exception as error:  # whatever it is, the run does not hang on it
            if isinstance(error, ServiceError) and not isinstance(error, AccessError):
                self._away(error)  # the network, which nobody should wait for again
            else:
                self._refused(error)
            return
        (self._markers(cache) / area / key).unlink(missing_ok=True)

    def _send(self, cache: Cache, area: str, key: str) -> None:
        name = _name(area, key)
        if (area, key) in self._seen:
            replaces = self._seen[area, key]
        elif self.store.look(name) is not None:
            return  # if it is broken, whoever wants it finds out
        else:
            replaces = None
        with tempfile.TemporaryDirectory(prefix="qmv-") as folder:
            parcel = Path(folder) / "parcel"
            pack(cache.folder(area, key), parcel, area=area, key=key, secret=self.secret)
            if parcel.stat().st_size <= _MOST_BYTES:
                self.store.send(Upload(file=File.of(parcel), key=name), replaces, _keep_quiet)

    def _markers(self, cache: Cache) -> Path:
        """An empty file for each entry that is to be sent: what a killed run leaves, the next one sends."""
        return cache.root / "unshared" / hashlib.sha256(self.url.encode()).hexdigest()[:16]

    # -- words -------------------------------------------------------------------------------------------------------

    def _away(self, error: Exception) -> None:
        with self._guard:
            known, self._deaf, self._mute = self._deaf or self._mute, True, True
        log.warning("shared cache: away", exc_info=error)
        if not known:
            self._say(f"the shared cache is away ({_cause(error)}); this run goes on without it")

    def _refused(self, error: Exception) -> None:
        with self._guard:
            known, self._mute = self._mute, True
        log.warning("shared cache: nothing more is sent", exc_info=error)
        if not known:
            self._say(f"nothing more goes into the shared cache ({_cause(error)}); this run goes on without sending")

    def _say(self, words: str) -> None:
        self._words.append(words)

    def _speak(self) -> None:
        while self._words:
            self._tell(self._words.pop(0))


def _name(area: str, key: str) -> str:
    """Of the object; with its form, so that another form of parcels stands beside this one."""
    return f"{area}/{key[:2]}/{key}.qmv1"


def _check(folder: Path, check: Check) -> None:
    try:
        check(folder)
    except (QmvError, OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise Broken(f"it holds something else ({type(error).__name__})") from error


def _mark(marker: Path) -> None:
    with contextlib.suppress(OSError):  # a disk that is full has worse to tell
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def _cause(error: Exception) -> str:
    """The reason in few words: a refusal of the operating system has a cure that is for the outputs folder."""
    if isinstance(error.__cause__, OSError):
        return f"{error.__cause__.strerror or error.__cause__}"
    return str(error).rstrip(".") or type(error).__name__


def _keep_quiet(done: int) -> None:
    """The run does not wait for what is sent."""
