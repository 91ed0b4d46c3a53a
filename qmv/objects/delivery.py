"""How a file gets under a key without a loss: looked at before, stored on a condition, looked at again after."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass

from qmv.errors import OutputError
from qmv.objects.store import ObjectStore, Taken, Upload

__all__ = ["Stored", "content_type", "deliver", "taken"]

_TRIES = 3  # at storing: each of them found another object than it had looked at, or other bytes than it had sent
_TYPES = {".vtt": "text/vtt", ".srt": "application/x-subrip", ".lrc": "text/plain", ".mp4": "video/mp4"}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that stands in a store, verified. `unchanged`: the same bytes stood there before, and nothing was sent."""

    url: str
    unchanged: bool


def deliver(store: ObjectStore, upload: Upload, *, overwrite: bool, progress: Callable[[int], None]) -> Stored:
    """Stores a file, and tells where once its bytes were verified there.

    Raises OutputError where another file stands under the key and `overwrite` is false, and where what arrived is not
    what was sent.
    """
    sent = False
    for _ in range(_TRIES):
        before = store.look(upload.key)
        if before is not None and store.holds(before, upload.file):
            progress(upload.file.size_bytes)
            return Stored(url=store.address(upload.key), unchanged=not sent)
        if before is not None and not overwrite:
            raise _not_ours(store, upload) if sent else taken(store, upload)
        try:
            store.send(upload, before, progress)
        except Taken:
            pass  # perhaps by this very upload, whose answer was lost: the next look tells
        else:
            sent = True
    found = store.look(upload.key)
    if found is not None and store.holds(found, upload.file):
        return Stored(url=store.address(upload.key), unchanged=False)
    raise _not_ours(store, upload)


def _not_ours(store: ObjectStore, upload: Upload) -> OutputError:
    return OutputError(
        f"{store.where}: {store.address(upload.key)} does not hold what was sent (another writer, or damage on the "
        "way); look at what stands there, then run the same command again with storage.overwrite=true or another "
        "stages.delivery.key."
    )


def taken(store: ObjectStore, upload: Upload) -> OutputError:
    """Another file stands where this one should."""
    return OutputError(
        f"{store.where}: {store.address(upload.key)} stands already with other content; "
        "set storage.overwrite=true to replace it, or another stages.delivery.key."
    )


def content_type(name: str) -> str:
    """The media type of a file, by its name."""
    suffix = "." + name.rpartition(".")[2].lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
