"""How a file that was uploaded under a name beside its key gets the key: by a copy on a condition."""

from __future__ import annotations

import contextlib
import functools
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from qmv.errors import AccessError, QmvError
from qmv.objects.store import Absent, Standing, Taken

if TYPE_CHECKING:
    from qmv.objects.cloud import CloudStore

__all__ = ["PARTS", "copies_on_condition", "copy_condition", "move", "take_away", "tidy"]

PARTS = ".qmv-parts"  # what is added to a key, for the folder of its uploads
_LEFT_OVER = timedelta(days=2)
_COPY_BYTES = 80 << 20  # a copy of the largest file may take as long as a request of so many bytes
_HEEDS: dict[str, bool] = {}  # what was found out about services, by the address of a bucket


def move(store: CloudStore, part: str, key: str, replaces: Standing | None) -> None:
    """Gives the file its name; raises Taken where something else has it."""
    import obstore

    etag = replaces.sums.get("etag", "") if replaces else ""
    azure = store.place.scheme == "az"
    client = store.client(_COPY_BYTES, "" if azure else copy_condition(store, etag))
    source, target = store.place.full(part, store.where), store.place.full(key, store.where)
    if azure and replaces is not None:  # the library has no such condition there: two steps
        now = store.look(key)
        if now is None or now.version != replaces.version:
            raise Taken(key)
        store.bear(lambda: obstore.copy(client, source, target))
    else:
        store.bear(lambda: obstore.copy(client, source, target, overwrite=False))


def copy_condition(store: CloudStore, etag: str) -> str:
    """How a copy is told what must stand under its target: nothing, or what has the ETag."""
    name = "cf-copy-destination-" if ".r2.cloudflarestorage.com" in store.endpoint else ""
    return f"header:{name}if-match:{etag}" if etag else f"header:{name}if-none-match:*"


def copies_on_condition(store: CloudStore) -> bool:
    """Whether the service heeds the condition of a copy; asked once a process, with two empty objects."""
    if store.place.scheme == "az":
        return True
    if (known := _HEEDS.get(store.endpoint)) is None:
        known = _HEEDS[store.endpoint] = _heeds(store)
    return known


def _heeds(store: CloudStore) -> bool:
    import obstore

    one, other = (store.place.full(f".qmv-probe-{secrets.token_hex(6)}", store.where) for _ in range(2))
    client = store.client(copy_if=copy_condition(store, ""))
    try:
        for key in (one, other):
            store.bear(functools.partial(obstore.put, store.client(), key, b"", use_multipart=False))
        store.bear(lambda: obstore.copy(client, one, other, overwrite=False))
    except Taken:
        return True
    except (AccessError, Absent):  # it refuses the header, or these names: what that means is told by the write itself
        return False
    finally:
        take_away(store, one, other)
    return False


def take_away(store: CloudStore, *keys: str) -> None:
    import obstore

    for key in keys:
        with contextlib.suppress(QmvError, Absent, Taken):
            store.bear(functools.partial(obstore.delete, store.client(), key))


def tidy(store: CloudStore, key: str, part: str) -> None:
    """Takes the part away, and what earlier tries of this key left behind; the next try does what fails here."""
    import obstore

    take_away(store, store.place.full(part, store.where))
    folder, old = store.place.full(f"{key}{PARTS}", store.where), datetime.now(UTC) - _LEFT_OVER
    with contextlib.suppress(QmvError, Absent):
        found = store.bear(lambda: obstore.list_with_delimiter(store.client(), folder)["objects"])
        take_away(store, *(about["path"] for about in found if about["last_modified"] < old))
