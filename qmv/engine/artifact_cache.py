"""The artifacts of stages in the cache, as JSON beside their files."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

from qmv.artifacts import Artifact
from qmv.engine.cache import Cache
from qmv.engine.graph import Node
from qmv.plain import dump, files, load

__all__ = ["ArtifactCache"]

log = logging.getLogger("qmv")

_FILE = "artifact.json"


@dataclass
class ArtifactCache:
    """Reads what stages made; what was whole once in this run is not looked at again."""

    cache: Cache
    known: dict[str, Artifact] = field(default_factory=dict)  # by key

    def read(self, node: Node, *, provisional: bool = False) -> Artifact | None:
        """The stage's artifact; None where there is none, or a file of it is gone or changed.

        A provisional one is for the run that made it only.
        """
        if (known := self.known.get(node.key)) is not None:
            return known
        folder = self.cache.get(node.stage.name, node.key)
        if folder is None:
            return None
        try:
            data = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            artifact = load(node.stage.makes(), data, folder)
        except (OSError, ValueError, TypeError, KeyError):
            log.info("%s: the cached artifact cannot be read and is made anew", node.name, exc_info=True)
            return None
        if artifact.provisional and not provisional:
            return None
        # the cache has checked the bytes of the entry's own files
        if not all(f.path.is_file() if f.path.is_relative_to(folder) else f.intact() for f in files(artifact)):
            log.info("%s: a file of the cached artifact is gone or changed; it is made anew", node.name)
            return None
        self.known[node.key] = artifact
        return artifact

    def write(self, artifact: Artifact, folder: Path) -> None:
        """Puts an artifact into the folder that will be its entry."""
        text = json.dumps(dump(artifact, folder, self.cache.root), indent=1, ensure_ascii=False)
        (folder / _FILE).write_text(text, encoding="utf-8")
