"""Knows which files of a folder are our own, so that another run replaces those and nothing of an editor's."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qmv.artifacts import File

__all__ = ["Written"]

_LIST = ".written.json"  # in the folder itself: it moves with it


@dataclass(frozen=True, kw_only=True)
class Written:
    """What earlier runs wrote into a folder: hashes by the names of files."""

    folder: Path
    hashes: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Written:
        """An empty list where there is none that can be read: what lies there is then an editor's."""
        try:
            told = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = {}
        names = told if isinstance(told, dict) else {}
        return cls(folder=folder, hashes={name: found for name, found in names.items() if isinstance(found, str)})

    def keep_changed(self, name: str, wanted: str) -> str:
        """Puts a file aside that is neither as we wrote it nor as it is `wanted`, by hash; its new name, else ''."""
        path = self.folder / name
        if not path.is_file() or File.of(path).sha256 in (wanted, self.hashes.get(name)):
            return ""
        number = 1
        while (aside := path.with_name(f"{path.stem}.changed_{number}{path.suffix}")).exists():
            number += 1
        path.rename(aside)
        return aside.name

    def remove_stale(self, wanted: Mapping[str, str]) -> None:
        """Deletes what an earlier run wrote and this one does not, where it is still as it was."""
        for name, sha256 in self.hashes.items():
            path = self.folder / name
            inside = path.resolve().is_relative_to(self.folder.resolve())
            if name not in wanted and inside and path.is_file() and File.of(path).sha256 == sha256:
                path.unlink()

    def note(self, wanted: Mapping[str, str]) -> None:
        """Writes the list of a folder that is complete."""
        part = self.folder / f"{_LIST}.part"
        part.write_text(json.dumps(dict(sorted(wanted.items())), indent=1) + "\n", encoding="utf-8")
        os.replace(part, self.folder / _LIST)
