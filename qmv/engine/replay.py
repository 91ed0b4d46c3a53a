"""Does a recorded run again, and tells whether the same bytes came out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import open_dict

from qmv.artifacts import File
from qmv.engine.config.job import bind
from qmv.engine.config.record import node_of, recorded
from qmv.engine.manifest import Manifest, provenance
from qmv.engine.recorded import Recorded
from qmv.engine.registry import Registry
from qmv.engine.runner import Run
from qmv.engine.songs import DEMO
from qmv.errors import InputError, OutputError, output_error

__all__ = ["Replay", "new_folder", "replay"]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What came of it. `differs` names what was not as it was: libraries, the platform, the code."""

    manifest: Manifest
    wanted: str
    differs: tuple[str, ...]

    @property
    def same(self) -> bool:
        return bool(self.wanted) and self.manifest.video.get("sha256") == self.wanted


def new_folder(before: Recorded) -> Path:
    """An empty run folder in the outputs of the run before."""
    folder = before.outputs() / "runs" / f"{datetime.now().astimezone():%Y-%m-%d/%H-%M-%S-%f}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise output_error(error) or OutputError(f"{folder}: cannot be made ({error}).") from error
    return folder


def replay(before: Recorded, folder: Path, registry: Registry, *, song: Path | None, pay: bool) -> Replay:
    """Runs a manifest's config in a new run folder; delivers into that folder only.

    `song` is where the song lies now. Pictures that cost money and are not in the cache any more are bought only if
    `pay`. Raises InputError where the song is another one than it was, or is gone.
    """
    wanted = before.manifest["video"].get("sha256", "")
    if not wanted:
        raise InputError(f"{before.folder}: its run made no video, so there is nothing to compare with.")
    if before.made_in.is_dir():
        os.chdir(before.made_in)  # what relative paths of the config start from
    config = before.config(folder)
    with open_dict(config):
        config.song.path = _song(before, song)
        for name in ("title", "artist"):  # the file's name may have given them
            config.song[name] = before.manifest["song"][name]
        config.storage = node_of(registry, "storage", "folder")
        config.storage.path = str(folder)
        config.session = ""
        config.observers = []  # it is nobody's video
        if not pay:
            config.budget_usd = 0.0
    made_with = provenance(registry)
    manifest = Manifest(
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        choices=before.manifest["choices"],
        overrides=before.manifest["overrides"],
        made_with=made_with,
        made_in=str(Path.cwd()),
        config=recorded(config),
    )
    job = bind(config, registry)
    Run(job=job, folder=folder, registry=registry, manifest=manifest).execute()
    return Replay(manifest=manifest, wanted=wanted, differs=_differs(before.manifest["made_with"], made_with))


def _song(before: Recorded, given: Path | None) -> str:
    """Where the song is, after a look at its bytes."""
    known, told = before.manifest["song"], before.manifest["config"]["song"]["path"]
    if given is None and (told == DEMO or "://" in told):
        return str(told)
    path = given or Path(known["path"])
    if not path.is_file():
        raise InputError(f"{path}: the song of this run is not there any more; name it with --song PATH.")
    if File.of(path).sha256 != known["sha256"]:
        raise InputError(f"{path}: is another song than this run's, by its bytes; name that one with --song PATH.")
    return str(path.absolute())


def _differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """'av 18.1.0 (was 18.0.0)' and the like."""
    found: list[str] = []
    for name in sorted({*before, *now}):
        was, is_now = before.get(name), now.get(name)
        if isinstance(was, Mapping) and isinstance(is_now, Mapping):
            found += _differs(was, is_now)
        elif was != is_now:
            found.append(f"{name} {is_now or 'missing'} (was {was or 'missing'})")
    return tuple(found)
