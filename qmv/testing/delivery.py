"""The contract of storages."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from qmv.api import (
    Storage,
)
from qmv.errors import QmvError
from qmv.testing.base import PluginContract


class StorageContract(PluginContract):
    """Stores a file whole or not at all. Give `plugin` with a fixture, so that each test has a fresh place."""

    keys: ClassVar[tuple[str, ...]] = ("film.mp4", "2026/spring/film.mp4", "Größe, 夜の電車 №1.mp4", "with space.mp4")

    def fetch(self, subject: Storage, key: str, address: str) -> bytes | None:
        """The stored bytes; None where they cannot be read. The default reads an address that is a local path."""
        return Path(address).read_bytes() if Path(address).is_file() else None

    @pytest.fixture
    def film(self, tmp_path: Path) -> Path:
        """A file to store."""
        path = tmp_path / "source" / "film.mp4"
        path.parent.mkdir()
        path.write_bytes(bytes(range(256)) * 64)
        return path

    def test_knows_nothing_before_it_is_stored(self, subject: Storage) -> None:
        assert not any(subject.exists(key) for key in self.keys)

    def test_stores_a_file_and_tells_where(self, subject: Storage, film: Path) -> None:
        for key in self.keys:
            address = subject.put(film, key, {"title": "Größe", "style": "neon"})
            assert isinstance(address, str)
            assert address
            assert subject.exists(key)
            assert self.fetch(subject, key, address) in {None, film.read_bytes()}

    def test_stores_the_same_file_twice(self, subject: Storage, film: Path) -> None:
        first = subject.put(film, self.keys[0], {})
        assert subject.put(film, self.keys[0], {}) == first
        assert subject.exists(self.keys[0])

    def test_leaves_the_source_as_it_was(self, subject: Storage, film: Path) -> None:
        before = film.read_bytes()
        subject.put(film, self.keys[0], {})
        assert film.read_bytes() == before

    def test_keeps_keys_apart(self, subject: Storage, film: Path) -> None:
        subject.put(film, self.keys[0], {})
        assert not any(subject.exists(key) for key in self.keys[1:])

    def test_leaves_nothing_of_a_put_that_fails(self, subject: Storage, tmp_path: Path) -> None:
        with pytest.raises((QmvError, OSError)):
            subject.put(tmp_path / "there is no such file.mp4", self.keys[0], {})
        assert not subject.exists(self.keys[0])
