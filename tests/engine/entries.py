"""A key of the cache, and what is put under it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qmv.engine.cache import digest

KEY = digest("a key")


def writes(text: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "value.txt").write_text(text, encoding="utf-8")

    return make
