"""How a file gets into a bucket: whole or not at all, and never over somebody else's.

Small files go in one request with a condition. Larger ones go in parts under a name beside the key, and from there
by a copy with a condition, because the library cannot end an upload in parts with one. Not every service that
speaks S3 heeds conditions of copies, which is tried first; where one does not, the file goes in one request.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, cast

from qmv.errors import OutputError
from qmv.objects.cloud_client import CONDITIONLESS
from qmv.objects.cloud_copies import PARTS, copies_on_condition, move, tidy
from qmv.objects.cloud_errors import Unable
from qmv.objects.cloud_names import metadata_written, part_bytes
from qmv.objects.store import Absent, Standing, Taken, Upload

if TYPE_CHECKING:
    from qmv.objects.cloud import CloudStore

__all__ = ["send"]

_LARGEST_BYTES = 5 << 30  # S3's limit for one request, and for a copy
_AT_A_TIME = 3  # parts; memory holds these and the one that is read


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
    part = f"{upload.key}{PARTS}/{upload.file.sha256[:16]}"
    if not _stands(store, part, upload):
        _still(store, upload, replaces)
        _upload(store, upload, part, replaces, progress)
    try:
        move(store, part, upload.key, replaces)
    except Absent:
        raise Taken(upload.key) from None  # another sender of the same file has moved it
    except Taken:  # perhaps by this very copy, whose answer was lost
        tidy(store, upload.key, part)
        raise
    tidy(store, upload.key, part)


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
