"""Machines with a shared folder between their caches, from a test's side; `conftest` starts them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from qmv.engine.cache import Cache, digest

__all__ = ["KEYS", "Machine", "Start", "anything", "make", "object_of", "objects"]

Start = Callable[..., contextlib.AbstractContextManager["Machine"]]

KEYS = [digest(number) for number in range(40)]


def make(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "value.txt").write_text(text, encoding="utf-8")
        (folder / "empty").write_bytes(b"")

    return write


def anything(folder: Path) -> None:
    (folder / "value.txt").read_text(encoding="utf-8")


@dataclass
class Machine:
    """A local cache with the shared one behind it, in a run; `told` is what the user hears."""

    cache: Cache
    told: list[str] = field(default_factory=list)

    def made(self, key: str, text: str = "made here") -> bool:
        """Has the entry; whether it had to be made."""
        folder, found = self.cache.once("area", key, make(text), shared=anything)
        assert (folder / "value.txt").is_file()
        return not found

    def value(self, key: str) -> str | None:
        folder = self.cache.get("area", key)
        return None if folder is None else (folder / "value.txt").read_text(encoding="utf-8")


def objects(place: Path) -> dict[str, bytes]:
    """All entries that stand in the shared folder."""
    return {path.stem: path.read_bytes() for path in place.glob("*/??/*.qmv1")}


def object_of(place: Path, key: str) -> Path:
    return place / "area" / key[:2] / f"{key}.qmv1"
