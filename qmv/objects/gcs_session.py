"""One upload to Google Cloud Storage that survives its network and its process.

It speaks the documented protocol (cloud.google.com/storage/docs/performing-resumable-uploads) itself, since the
library's uploads end with their process. After each fault the service is asked how much it has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from qmv.errors import OutputError, ServiceError
from qmv.objects.gcs_errors import Answer, Refused
from qmv.objects.gcs_link import Link
from qmv.objects.gcs_memory import forget, recalled, remember
from qmv.objects.gcs_patience import Patience, Trouble
from qmv.objects.gcs_sums import sums
from qmv.objects.store import Taken, Upload

if TYPE_CHECKING:
    import requests

__all__ = ["GRAIN_BYTES", "Session"]

GRAIN_BYTES = 256 << 10  # the service keeps whole ones of these, save at the end
_MOST_SESSIONS = 32
_MOST_DAMAGES = 3
_ENDED = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class _Ended(Trouble):
    """The session is no more, or not to be believed: the upload begins anew."""


@dataclass(kw_only=True)
class Session:
    """Sends a file as the object `name`, if `generation` (0: nothing) still stands there."""

    link: Link
    patience: Patience
    bucket: str
    name: str
    generation: int
    upload: Upload
    chunk_bytes: int
    timeout_s: tuple[float, float]
    progress: Callable[[int], None]
    _uri: str = field(default="", repr=False)
    _at: int = 0  # what the service is known to have
    _known: bool = True  # whether it is
    _begun: int = 0
    _anew: bool = False
    _damages: int = 0

    def send(self) -> None:
        """Raises Taken where something else stands under the name, and what `Patience` makes of faults."""
        self._uri = recalled(self.upload.memory, self._belongs_to(), self.link)
        self._known = not self._uri
        while True:
            try:
                self._step_on()
                break
            except Taken:
                forget(self.upload.memory)
                raise
            except _Ended as ended:
                forget(self.upload.memory)
                self._uri, self._anew = "", True
                self.patience.after(ended)
            except Exception as error:  # sorted by the patience
                self._known = False
                self.patience.after(error)
        forget(self.upload.memory)

    def _step_on(self) -> None:
        """Goes on until all is there, or something breaks."""
        if not self._uri:
            if self._anew and self._arrived():
                return
            self._begin()
        if not self._known and self._told(self._put(None)):
            return
        with self.upload.file.path.open("rb") as stream:
            while not self._told(self._put(stream)):
                pass

    def _begin(self) -> None:
        if self._begun == _MOST_SESSIONS:
            raise ServiceError(
                f"{self.patience.where}: {_MOST_SESSIONS} uploads of {self.name} ended before their time; run the same "
                "command again later."
            )
        blob = self.link.client.bucket(self.bucket).blob(self.name)
        blob.cache_control = self.upload.cache_control or None
        blob.metadata = dict(self.upload.metadata) or None
        blob.crc32c = self._checksum()
        try:
            uri: str = blob.create_resumable_upload_session(
                content_type=self.upload.content_type, size=self.upload.file.size_bytes, timeout=self.timeout_s,
                checksum=None, if_generation_match=self.generation, retry=None,
            )  # fmt: skip
        except Exception as error:
            answer = Answer.in_error(error)
            if answer is not None and answer.status == HTTPStatus.PRECONDITION_FAILED:
                raise Taken(self.upload.key) from None
            raise
        self._uri, self._at, self._known = uri, 0, True
        self._begun += 1
        remember(self.upload.memory, self._belongs_to() | {"uri": uri})

    def _arrived(self) -> bool:
        """Whether the session that ended had brought it all: some end with their last byte, whose answer was lost."""
        blob = self.link.client.bucket(self.bucket).blob(self.name)
        try:
            blob.reload(timeout=self.timeout_s, retry=None)
        except Exception as error:
            answer = Answer.in_error(error)
            if answer is None or answer.status != HTTPStatus.NOT_FOUND or answer.about_bucket:
                raise
            return False
        if int(blob.generation) == self.generation:
            return False
        if (blob.size, blob.crc32c) != (self.upload.file.size_bytes, self._checksum()):
            raise Taken(self.upload.key)
        self.progress(self.upload.file.size_bytes)
        return True

    def _checksum(self) -> str:
        """What the service shall find; raises OutputError for a file that is not what it was."""
        file = self.upload.file
        found = sums(file.path)
        if found.sha256 != file.sha256:
            raise OutputError(f"{self.patience.where}: {file.path} has changed since it was made; make it again.")
        return found.crc32c

    def _put(self, stream: IO[bytes] | None) -> requests.Response:
        """Sends the next chunk; without a stream, asks how much is there."""
        size = self.upload.file.size_bytes
        length = min(self.chunk_bytes, size - self._at) if stream else 0
        span = f"{self._at}-{self._at + length - 1}" if length else "*"
        # urllib3 sends under the time for connecting, and a slow line may take longer than that for a piece
        wait_s = (self.timeout_s[1], self.timeout_s[1]) if length else self.timeout_s
        response: requests.Response = self.link.session.request(  # type: ignore[no-untyped-call]
            "PUT", self._uri, data=_Piece(stream, self._at, length) if stream and length else None,
            headers={"Content-Range": f"bytes {span}/{size}"}, timeout=wait_s, allow_redirects=False,
        )  # fmt: skip
        return response

    def _told(self, response: requests.Response) -> bool:
        """Learns from an answer how much is there; True where that is all."""
        size = self.upload.file.size_bytes
        if response.status_code in (HTTPStatus.OK, HTTPStatus.CREATED):
            self.progress(size)
            return True
        if response.status_code == HTTPStatus.PERMANENT_REDIRECT:  # which means 'go on' here
            self._at_least(_persisted(response.headers.get("Range", "")))
            return False
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise Taken(self.upload.key)
        if response.status_code in _ENDED:
            raise _Ended("the upload's session has ended; beginning anew")
        answer = Answer.of(response)
        if response.status_code == HTTPStatus.BAD_REQUEST and "crc32c" in answer.message.lower():
            raise self._damaged()
        raise Refused(answer)

    def _at_least(self, there: int) -> None:
        size = self.upload.file.size_bytes
        if there > size or (there % GRAIN_BYTES and there != size):
            raise _Ended(f"the service says that it has {there} bytes, which cannot be; beginning anew")
        if there > self._at:
            self.patience.rested()
            self.progress(there)
        elif self._known:
            self._known = False
            raise Trouble("the service kept nothing of what was sent")
        self._at, self._known = there, True

    def _damaged(self) -> Exception:
        self._checksum()  # which knows whether the file is to blame
        self._damages += 1
        if self._damages < _MOST_DAMAGES:
            return _Ended("the file was damaged on the way; beginning anew")
        return ServiceError(
            f"{self.patience.where}: what arrived of {self.name} was not what was sent, {_MOST_DAMAGES} times; check "
            "the network of this machine (a proxy that rewrites?), then run the same command again."
        )

    def _belongs_to(self) -> dict[str, Any]:
        """What a session is for; one for anything else must not be gone on with."""
        upload = self.upload
        headers = [upload.content_type, upload.cache_control, sorted(upload.metadata.items())]
        return {
            "bucket": self.bucket, "key": self.name, "sha256": upload.file.sha256,
            "size_bytes": upload.file.size_bytes, "replaces": self.generation,
            "headers": hashlib.sha256(json.dumps(headers).encode()).hexdigest(),
        }  # fmt: skip


class _Piece:
    """A part of a file as a request's body: read while it is sent, so it is never in memory, and sent in small blocks
    that each have their time. Starts again after its end, for a request that is sent twice."""

    def __init__(self, stream: IO[bytes], start: int, length: int) -> None:
        self._stream, self._start, self._length, self._left = stream, start, length, length
        stream.seek(start)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(1 << 16):
            yield piece

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            self._stream.seek(self._start)
            self._left = self._length
            return b""
        piece = self._stream.read(self._left if size < 0 else min(size, self._left))
        if not piece:
            raise OutputError(f"{self._stream.name} became shorter while it was sent; run the same command again.")
        self._left -= len(piece)
        return piece


def _persisted(told: str) -> int:
    """The number of bytes in a header Range of the form 'bytes=0-41'; none is no header at all."""
    last = told.rpartition("-")[2]
    return int(last) + 1 if last.isdecimal() else 0
