"""A folder of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from qmv.api import Storage, plugin, setting
from qmv.artifacts import File
from qmv.errors import OutputError, output_error

__all__ = ["Folder"]


@plugin
class Folder(Storage):
    """Puts the video into a folder: a hard link where the file system allows, else a copy; whole or not at all."""

    name = "folder"
    path: str = setting(
        "the folder; the run's own by default", default="", keyed=False, knob="hydra:runtime.output_dir"
    )
    overwrite: bool = setting("replace another video of the same name", default=False)

    def put(self, file: Path, key: str, metadata: Mapping[str, str]) -> str:
        target = self._target(key)
        if target.is_dir():
            raise OutputError(f"storage (folder): {target} is a folder; use another stages.delivery.key.")
        if target.exists() and not self.overwrite and File.of(target).sha256 != File.of(file).sha256:
            raise OutputError(
                f"storage (folder): {target} stands already with other content; "
                "set storage.overwrite=true to replace it, or another stages.delivery.key."
            )
        part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(file, part)
            os.replace(part, target)
        except OSError as error:
            raise output_error(error) or OutputError(
                f"storage (folder): {target} cannot be written ({error})."
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        return str(target)

    def exists(self, key: str) -> bool:
        return self._target(key).exists()

    def _target(self, key: str) -> Path:
        folder = Path(self.path).expanduser().resolve()
        target = (folder / key).resolve()
        if not target.is_relative_to(folder):
            raise OutputError(
                f"storage (folder): the key '{key}' leads out of {folder}; use a relative one without '..'."
            )
        return target


def _link_or_copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
