"""The face of a place that keeps files under keys, be it a folder or a bucket.

Deliveries, songs that lie elsewhere and the shared cache all go through it. Imports only `errors` and `artifacts`.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qmv.artifacts import File

__all__ = ["Absent", "ObjectStore", "Standing", "Taken", "TooLarge", "Upload"]


class Taken(Exception):
    """What stands under a key is not what the sender looked at: somebody else was quicker."""


class Absent(Exception):
    """Nothing stands under the key."""


class TooLarge(Exception):
    """What stands under the key is larger than what was allowed; `size_bytes` is its size."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file to keep. `memory` is a file that a store may use to go on with the upload after a crash."""

    file: File
    key: str
    content_type: str = "application/octet-stream"
    cache_control: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    memory: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands under a key. `version` changes with each write; `sums` are the store's own checksums by name."""

    key: str
    size_bytes: int
    version: str
    content_type: str = ""
    sums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ObjectStore(ABC):
    """Keeps files under keys, relative paths with slashes; a value that can be pickled, so clients are made lazily.

    `where` begins each sentence of an error: 'storage (gcs)'. Faults of the network are borne inside, with patience;
    what is raised is final: AccessError for what the user must mend (key, bucket, permission, clock), ServiceError
    where a service did not answer in time, OutputError where this machine's disk refuses.
    """

    where: str

    def check(self) -> None:
        """Raises where nothing could be stored here, before any work is done for it."""
        return

    @abstractmethod
    def look(self, key: str) -> Standing | None:
        """What stands under the key; None where nothing does."""

    @abstractmethod
    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        """Stores the file whole or not at all.

        Raises Taken where something else than `replaces` (None: nothing) stands under the key by then. `progress` is
        told how many bytes of the file have arrived in all.
        """

    @abstractmethod
    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        """Writes what stands under the key to `target`; raises Absent, or TooLarge before more than that is read."""

    def to_fetch(self, key: str, most_bytes: int) -> Standing:
        """What stands under the key, for `fetch`; raises Absent, or TooLarge where it is more than that."""
        standing = self.look(key)
        if standing is None:
            raise Absent(key)
        if standing.size_bytes > most_bytes:
            raise TooLarge(standing.size_bytes)
        return standing

    @abstractmethod
    def withdraw(self, standing: Standing) -> None:
        """Takes away what was looked at, where it stands there still; where it does not, nothing is to be done."""

    @abstractmethod
    def address(self, key: str) -> str:
        """Where people find it."""

    def holds(self, standing: Standing, file: File) -> bool:
        """Whether what stands there are the file's bytes: by the store's checksum where it has one, else read back."""
        if standing.size_bytes != file.size_bytes:
            return False
        with tempfile.TemporaryDirectory(prefix="qmv-") as folder:
            back = Path(folder) / "back"
            self.fetch(standing.key, back, file.size_bytes)
            return File.of(back).sha256 == file.sha256
