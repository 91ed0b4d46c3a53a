"""The contract of storages."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

import pytest

from qmv.api import Storage, Stored, Upload
from qmv.artifacts import File
from qmv.errors import OutputError, QmvError
from qmv.objects.store import Absent, TooLarge
from qmv.testing.base import PluginContract


class StorageContract(PluginContract):
    """Stores a file whole or not at all, and never another one's place. Give `plugin` with a fixture, so that each test
    has a fresh place."""

    keys: ClassVar[tuple[str, ...]] = ("film.mp4", "2026/spring/film.mp4", "Größe, 夜の電車 №1.mp4", "with space.mp4")

    @pytest.fixture
    def film(self, tmp_path: Path) -> Path:
        """A file to store."""
        path = tmp_path / "source" / "film.mp4"
        path.parent.mkdir()
        path.write_bytes(bytes(range(256)) * 64)
        return path

    def put(self, subject: Storage, path: Path, key: str) -> Stored:
        """Stores a file as a run does; what is told of the bytes ends with their number."""
        told = [0]
        upload = Upload(
            file=File.of(path), key=key, content_type="video/mp4", metadata={"title": "Größe", "style": "neon"},
            memory=path.parent / "memory",
        )  # fmt: skip
        stored = subject.put(upload, told.append)
        assert max(told) == path.stat().st_size
        return stored

    def test_knows_nothing_before_it_is_stored(self, subject: Storage) -> None:
        assert [subject.store().look(key) for key in self.keys] == [None] * len(self.keys)

    def test_is_ready(self, subject: Storage) -> None:
        subject.ready()

    def test_stores_a_file_and_tells_where(self, subject: Storage, film: Path, tmp_path: Path) -> None:
        for key in self.keys:
            stored = self.put(subject, film, key)
            assert isinstance(stored.url, str)
            assert stored.url
            assert not stored.unchanged
            standing = subject.store().look(key)
            assert standing is not None
            assert standing.size_bytes == film.stat().st_size
            subject.store().fetch(key, tmp_path / "back", 1 << 20)
            assert (tmp_path / "back").read_bytes() == film.read_bytes()

    def test_sends_the_same_file_once(self, subject: Storage, film: Path) -> None:
        first = self.put(subject, film, self.keys[0])
        before = subject.store().look(self.keys[0])
        assert self.put(subject, film, self.keys[0]) == dataclasses.replace(first, unchanged=True)
        assert subject.store().look(self.keys[0]) == before

    def test_refuses_another_file_under_the_same_key(self, subject: Storage, film: Path, tmp_path: Path) -> None:
        self.put(subject, film, self.keys[0])
        other = tmp_path / "other.mp4"
        other.write_bytes(film.read_bytes()[::-1])
        with pytest.raises(OutputError, match=r"storage\.overwrite=true"):
            self.put(subject, other, self.keys[0])
        subject.store().fetch(self.keys[0], tmp_path / "back", 1 << 20)
        assert (tmp_path / "back").read_bytes() == film.read_bytes()

    def test_replaces_another_file_when_told_to(self, subject: Storage, film: Path, tmp_path: Path) -> None:
        self.put(subject, film, self.keys[0])
        other = tmp_path / "other.mp4"
        other.write_bytes(film.read_bytes()[::-1])
        self.put(dataclasses.replace(subject, overwrite=True), other, self.keys[0])
        subject.store().fetch(self.keys[0], tmp_path / "back", 1 << 20)
        assert (tmp_path / "back").read_bytes() == other.read_bytes()

    def test_takes_away_what_was_looked_at_and_nothing_else(self, subject: Storage, film: Path, tmp_path: Path) -> None:
        self.put(subject, film, self.keys[0])
        looked_at = subject.store().look(self.keys[0])
        assert looked_at is not None
        other = tmp_path / "other.mp4"
        other.write_bytes(film.read_bytes()[::-1])
        self.put(dataclasses.replace(subject, overwrite=True), other, self.keys[0])
        subject.store().withdraw(looked_at)
        now = subject.store().look(self.keys[0])
        assert now is not None
        subject.store().withdraw(now)
        subject.store().withdraw(now)
        assert subject.store().look(self.keys[0]) is None

    def test_leaves_the_source_as_it_was(self, subject: Storage, film: Path) -> None:
        before = film.read_bytes()
        self.put(subject, film, self.keys[0])
        assert film.read_bytes() == before

    def test_keeps_keys_apart(self, subject: Storage, film: Path) -> None:
        self.put(subject, film, self.keys[0])
        assert [subject.store().look(key) for key in self.keys[1:]] == [None] * (len(self.keys) - 1)

    def test_says_what_it_cannot_fetch(self, subject: Storage, film: Path, tmp_path: Path) -> None:
        with pytest.raises(Absent):
            subject.store().fetch(self.keys[0], tmp_path / "back", 1 << 20)
        self.put(subject, film, self.keys[0])
        with pytest.raises(TooLarge):
            subject.store().fetch(self.keys[0], tmp_path / "back", film.stat().st_size - 1)

    def test_leaves_nothing_of_a_put_that_fails(self, subject: Storage, film: Path) -> None:
        lost = Upload(file=File.of(film), key=self.keys[0], content_type="video/mp4")
        film.unlink()
        told: list[int] = []
        with pytest.raises((QmvError, OSError)):
            subject.put(lost, told.append)
        assert subject.store().look(self.keys[0]) is None
