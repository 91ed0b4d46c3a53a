"""What the fake keeps: objects with generations, and uploads in whole grains of 256 KiB as the service does."""

from __future__ import annotations

import hashlib
import itertools
from base64 import b64encode
from typing import Any

import google_crc32c

__all__ = ["GRAIN_BYTES", "Object", "Uploading"]

GRAIN_BYTES = 256 << 10
_generations = itertools.count(1001)


class Object:
    """An object that stands; its body is empty where bodies are forgotten."""

    def __init__(self, about: dict[str, Any], body: bytes) -> None:
        self.about, self.body, self.public = about, body, False


class Uploading:
    """An upload on its way: what has come of it, and the sums of that."""

    def __init__(self, name: str, about: dict[str, Any], size: int, generation: int | None, *, forget: bool) -> None:
        self.name, self.about, self.size, self.generation = name, about, size, generation
        self.kept, self._forget, self._body = 0, forget, bytearray()
        self._crc32c, self._md5 = google_crc32c.Checksum(), hashlib.md5()
        self.done: Object | None = None
        self.expires = self.damages = False

    def keep(self, grain: bytes) -> None:
        """Adds a whole grain, or the last piece."""
        if self.damages:
            grain, self.damages = bytes([grain[0] ^ 1]) + grain[1:], False
        self.kept += len(grain)
        self._crc32c.update(grain)
        self._md5.update(grain)
        if not self._forget:
            self._body += grain

    def finished(self) -> Object:
        """Raises ValueError where the sums are not what the sender said."""
        crc32c, md5 = b64encode(self._crc32c.digest()).decode(), b64encode(self._md5.digest()).decode()
        if self.about.get("crc32c", crc32c) != crc32c:
            raise ValueError(f'Provided CRC32C "{self.about["crc32c"]}" doesn\'t match calculated CRC32C "{crc32c}".')
        told = {"name": self.name, "generation": str(next(_generations)), "metageneration": "1", "size": str(self.kept)}
        return Object(self.about | told | {"crc32c": crc32c, "md5Hash": md5, "etag": crc32c}, bytes(self._body))
