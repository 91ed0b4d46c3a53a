"""Where the files of a request go while it arrives: to a disk that has room, within bounds of each and of all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO, Any

from flask import Request

from qmv.service.web.problems import Problem

__all__ = ["Room", "SongRequest"]

_LEFT_BYTES = 1_000_000_000  # of the disk, for the videos that are being made, and for the state
_LOOKS_EVERY_BYTES = 1_000_000
_RETRY = {"Retry-After": "60"}


class Room:
    """For the files of all requests that are under way: `most` bytes in `folder`."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self._most, self._taken, self._unseen = folder, most, 0, 0

    def take(self, size: int) -> None:
        """Raises Problem where there is no room for them."""
        if self._taken + size > self._most:
            raise Problem(503, "Too many songs arrive at once; send yours again in a minute.", _RETRY, field="songs")
        if self._unseen <= 0:
            self._unseen = _LOOKS_EVERY_BYTES
            if shutil.disk_usage(self.folder).free < _LEFT_BYTES:
                raise Problem(503, "The service's disk is full; send the songs again when who runs it has made room.",
                    _RETRY, field="songs")  # fmt: skip
        self._unseen -= size
        self._taken += size

    def give_back(self, size: int) -> None:
        self._taken -= size


class SongRequest(Request):
    """A request whose files do not go into memory or /tmp; none may be too large."""

    room: Room
    song_bytes: int

    def _get_file_stream(
        self, total_content_length: int | None, content_type: str | None, filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:  # fmt: skip
        self.room.folder.mkdir(parents=True, exist_ok=True)
        return _Bounded(self.song_bytes, self.room)  # type: ignore[return-value]


class _Bounded:
    """A file without a name that takes no more than `most` bytes, and gives its room back when nobody has it."""

    def __init__(self, most: int, room: Room) -> None:
        self._most, self._room, self._size = most, room, 0
        self._file = tempfile.TemporaryFile(dir=room.folder)  # noqa: SIM115

    def write(self, data: bytes) -> int:
        if self._size + len(data) > self._most:
            self.close()
            raise Problem(413, f"A song has more than {self._most / 1e6:g} MB, which is the most; make it smaller.",
                field="songs")  # fmt: skip
        self._room.take(len(data))
        self._size += len(data)
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        size, self._size = self._size, 0
        self._room.give_back(size)

    def __del__(self) -> None:  # where a request breaks off, nobody closes it
        if "_file" in self.__dict__:
            self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
