"""Where finished videos go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

from qmv.api.plugin import Plugin

__all__ = ["Storage"]


class Storage(Plugin):
    """Keeps finished videos."""

    kind = "storage"

    @abstractmethod
    def put(self, file: Path, key: str, metadata: Mapping[str, str]) -> str:
        """Stores the file whole or not at all, and tells its address. `key` is a relative path with slashes."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether something stands under the key."""
