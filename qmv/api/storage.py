"""Where finished videos go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from qmv.api.plugin import Plugin
from qmv.objects.delivery import Stored, deliver
from qmv.objects.store import ObjectStore, Upload
from qmv.settings import plugin, setting

__all__ = ["Storage"]


@plugin
class Storage(Plugin):
    """Keeps finished videos. A plugin says where, by an `ObjectStore`; how nothing gets lost on the way is the same
    for all of them.

    `default_key` is the template of the key where the user gives none (docs/delivery.md has its placeholders).
    """

    kind = "storage"
    default_key: ClassVar[str] = "videos/{song}/{style}/{name}.mp4"

    overwrite: bool = setting("replace another file under the same key", default=False)
    cache_control: str = setting("the header Cache-Control of what is stored; empty: none", default="", keyed=False)

    @abstractmethod
    def store(self) -> ObjectStore:
        """The place, opened lazily: this must be quick and work without a network."""

    def ready(self) -> None:
        """Raises where nothing could be stored, before anything is made or paid for."""
        self.store().check()

    def put(self, upload: Upload, progress: Callable[[int], None]) -> Stored:
        """Stores a file whole or not at all, and verifies it; the same bytes twice are sent once."""
        return deliver(self.store(), upload, overwrite=self.overwrite, progress=progress)
