"""How a run takes part in a shared cache: from the address to the cache, and the block in which it is used."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from qmv.engine.cache import Cache
from qmv.engine.outbox import Entry
from qmv.engine.shared_cache import WHERE, SharedCache
from qmv.errors import ConfigError

__all__ = ["shared_cache", "sharing"]

_KEY_ENV = "QMV_CACHE_KEY"
_SHORTEST_KEY = 16
# of a store; a delivery must arrive, this need not
_PATIENCE = {"patience_s": 10.0, "stall_s": 10.0, "timeouts_s": (5.0, 10.0), "piece_bytes": 1 << 19}


def shared_cache(url: str, *, sends: bool) -> SharedCache | None:
    """The shared cache at an address, None for ''. With `sends` false nothing is put there, only taken.

    Raises ConfigError for an address of no known kind and for a QMV_CACHE_KEY that can be guessed.
    """
    from qmv.objects.places import open_store

    if not url.strip():
        return None
    secret = os.environ.get(_KEY_ENV, "").strip()
    if secret and len(secret) < _SHORTEST_KEY:
        raise ConfigError(
            f"{_KEY_ENV}: has {len(secret)} characters and could be guessed; give it {_SHORTEST_KEY} or more, the same "
            "on each machine."
        )
    store = open_store(url.strip(), WHERE)
    hasty: dict[str, Any] = {name: value for name, value in _PATIENCE.items() if hasattr(store, name)}
    store = dataclasses.replace(store, **hasty)
    return SharedCache(place=url.strip(), store=store, secret=secret.encode(), sends=sends)


@contextlib.contextmanager
def sharing(
    cache: Cache, tell: Callable[[str], None], results: Callable[[], Iterable[Entry]] = tuple
) -> Iterator[None]:
    """The block of a run. `tell` gets what the user should know, from the thread that the run has. `results` are the
    run's entries that are put together from pieces: those that fail, and hold fetched pieces, are not used again.

    At the end it waits until all is sent, for a moment only where the run failed, and not at all where Ctrl-C ends it.
    Raises where the address, the account or the bucket is wrong; a network that is away is told only.
    """
    shared = cache.shared
    if shared is None:
        yield
        return
    shared.begin(cache, tell, results)
    try:
        yield
    except KeyboardInterrupt:
        shared.leave()
        raise
    except BaseException as error:
        shared.blame(error)
        shared.finish(failed=True)  # what was made, or bought, before the failure is for others as well
        raise
    shared.finish()
