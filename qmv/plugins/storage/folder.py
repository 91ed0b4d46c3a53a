"""A folder of this machine."""

from __future__ import annotations

from pathlib import Path

from qmv.api import Storage, plugin, setting
from qmv.objects.folder import FolderStore

__all__ = ["Folder"]


@plugin
class Folder(Storage):
    """Puts the files into a folder: hard links where the file system allows, else copies; whole or not at all."""

    name = "folder"
    default_key = "{title}.mp4"
    path: str = setting(
        "the folder; the run's own by default", default="", keyed=False, knob="hydra:runtime.output_dir"
    )

    def ready(self) -> None:
        """Tries whether files can be made there."""
        self.store().try_out()

    def store(self) -> FolderStore:
        return FolderStore(where="storage (folder)", folder=Path(self.path))
