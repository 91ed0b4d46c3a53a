"""How a file gets into a bucket: whole or not at all, and never over somebody else's.

Small files go in one request with a condition. Larger ones go in parts under a name beside the key, and from there
by a copy with a condition, because the library cannot end an upload in parts with one. Not every service that
speaks S3 heeds conditions of copies, which is tried first; where one does not, the file goes in one request.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, cast

from qmv.errors import AccessError, OutputError, QmvError
from qmv.objects.cloud_client import CONDITIONLESS
from qmv.objects.cloud_errors import Unable
from qmv.objects.cloud_names import metadata_written, part_bytes
from qmv.objects.store import Absent, Standing, Taken, Upload

if TYPE_CHECKING:
    from qmv.objects.cloud import CloudStore

__all__ = ["send"]

_LARGEST_BYTES = 5 << 30  # S3's limit for one request, and for a copy
_AT_A_TIME = 3  # parts; memory holds these and the one that is read
_LEFT_OVER = timedelta(days=2)
_HEEDS: dict[str, bool] = {}  # what was found out about services, by the address of a bucket
_PARTS = ".qmv-parts"


def send(store: CloudStore, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
    """See `ObjectStore.send`."""
    size_bytes = upload.file.size_bytes
    if size_bytes > _LARGEST_BYTES:
        raise OutputError(
            f"{store.where}: the file is larger than the 5 GiB that can be stored safely, got {size_bytes} bytes; "
            "choose a lower quality, or storage=folder."
        )
    if size_bytes > store.whole_bytes and copies_on_condition(store):
        _in_parts(store, upload, replaces, progress)
    else:
        _whole(store, upload, replaces)
    progress(size_bytes)


def _attributes(store: CloudStore, upload: Upload) -> dict[str, str]:
    more = {"Cache-Control": upload.cache_control} if upload.cache_control else {}
    return {"Content-Type": upload.content_type, **more, **metadata_written(store.place.scheme, upload.metadata)}


def _still(store: CloudStore, upload: Upload, replaces: Standing | None) -> None:
    """Raises Taken where something else than `replaces` stands under the key by now."""
    now = store.look(upload.key)
    if (now and now.version) != (replaces and replaces.version):
        raise Taken(upload.key)


# -- in one request --------------------------------------------------------------------------------------------------


def _whole(store: CloudStore, upload: Upload, replaces: Standing | None) -> None:
    import obstore

    key = store.place.full(upload.key, store.where)
    client = store.client(upload.file.size_bytes)
    etag = replaces.sums.get("etag", "") if replaces else ""
    condition: Any = "create" if replaces is None else {"e_tag": etag} if etag else "overwrite"

    def put(mode: Any) -> None:
        obstore.put(client, key, data, attributes=_attributes(store, upload), mode=mode, use_multipart=False)

    check = functools.partial(_still, store, upload, replaces)
    with upload.file.path.open("rb") as stream, _mapped(stream, upload.file.size_bytes) as data:
        try:
            if store.endpoint in CONDITIONLESS:
                raise Unable
            store.bear(lambda: put(condition), check)
        except Absent:
            raise Taken(upload.key) from None  # what was to be replaced is gone
        except Unable:
            CONDITIONLESS.add(store.endpoint)
            check()  # a service without conditions: the look and the write are two steps there
            store.bear(lambda: put("overwrite"))


@contextlib.contextmanager
def _mapped(stream: IO[bytes], size_bytes: int) -> Iterator[Any]:
    """The file's bytes, which the system reads as they are needed; none are held in memory."""
    if not size_bytes:
        yield b""
        return
    data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        yield data
    finally:
        with contextlib.suppress(BufferError):  # the library may hold on to it for a moment
            data.close()


# -- in parts --------------------------------------------------------------------------------------------------------


def _in_parts(store: CloudStore, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
    part = f"{upload.key}{_PARTS}/{upload.file.sha256[:16]}"
    if not _stands(store, part, upload):
        _still(store, upload, replaces)
        _upload(store, upload, part, replaces, progress)
    try:
        _move(store, part, upload.key, replaces)
    except Absent:
        raise Taken(upload.key) from None  # another sender of the same file has moved it
    except Taken:  # perhaps by this very copy, whose answer was lost
        _tidy(store, upload.key, part)
        raise
    _tidy(store, upload.key, part)


def _stands(store: CloudStore, part: str, upload: Upload) -> bool:
    """Whether the whole file is there already, of a try whose end nobody saw."""
    standing = store.look(part)
    return standing is not None and store.holds(standing, upload.file)


def _upload(
    store: CloudStore, upload: Upload, part: str, replaces: Standing | None, progress: Callable[[int], None]
) -> None:
    import obstore

    step = part_bytes(upload.file.size_bytes)
    client, full = store.client(step * _AT_A_TIME), store.place.full(part, store.where)
    done = False

    def put() -> None:
        if done:
            return
        with upload.file.path.open("rb") as stream:
            told = cast("IO[bytes]", _Told(stream, progress, step))  # it has what the library asks of one
            obstore.put(
                client, full, told, attributes=_attributes(store, upload), use_multipart=True, chunk_size=step,
                max_concurrency=_AT_A_TIME,
            )  # fmt: skip

    def look() -> None:
        nonlocal done
        done = _stands(store, part, upload)
        if not done:  # in Azure, another sender of the same file who ends first takes away this one's parts
            _still(store, upload, replaces)

    try:
        store.bear(put, look)
    except Absent:  # its end was asked for twice, since the first answer was lost
        if not _stands(store, part, upload):
            raise Taken(upload.key) from None


class _Told:
    """A stream that tells how much of it was read, less what cannot have arrived yet."""

    def __init__(self, stream: IO[bytes], progress: Callable[[int], None], step: int) -> None:
        self._stream, self._progress, self._ahead = stream, progress, step * _AT_A_TIME

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._progress(max(0, self._stream.tell() - self._ahead))
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


def _move(store: CloudStore, part: str, key: str, replaces: Standing | None) -> None:
    """Gives the file its name; raises Taken where something else has it."""
    import obstore

    etag = replaces.sums.get("etag", "") if replaces else ""
    azure = store.place.scheme == "az"
    client = store.client(_LARGEST_BYTES // 64, "" if azure else _condition(store, etag))
    source, target = store.place.full(part, store.where), store.place.full(key, store.where)
    if azure and replaces is not None:  # the library has no such condition there: two steps
        now = store.look(key)
        if now is None or now.version != replaces.version:
            raise Taken(key)
        store.bear(lambda: obstore.copy(client, source, target))
    else:
        store.bear(lambda: obstore.copy(client, source, target, overwrite=False))


def _condition(store: CloudStore, etag: str) -> str:
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
    client = store.client(copy_if=_condition(store, ""))
    try:
        for key in (one, other):
            store.bear(functools.partial(obstore.put, store.client(), key, b"", use_multipart=False))
        store.bear(lambda: obstore.copy(client, one, other, overwrite=False))
    except Taken:
        return True
    except (AccessError, Absent):  # it refuses the header, or these names: what that means is told by the write itself
        return False
    finally:
        _take_away(store, one, other)
    return False


def _take_away(store: CloudStore, *keys: str) -> None:
    import obstore

    for key in keys:
        with contextlib.suppress(QmvError, Absent, Taken):
            store.bear(functools.partial(obstore.delete, store.client(), key))


def _tidy(store: CloudStore, key: str, part: str) -> None:
    """Takes the part away, and what earlier tries of this key left behind; the next try does what fails here."""
    import obstore

    _take_away(store, store.place.full(part, store.where))
    folder, old = store.place.full(f"{key}{_PARTS}", store.where), datetime.now(UTC) - _LEFT_OVER
    with contextlib.suppress(QmvError, Absent):
        found = store.bear(lambda: obstore.list_with_delimiter(store.client(), folder)["objects"])
        _take_away(store, *(about["path"] for about in found if about["last_modified"] < old))
