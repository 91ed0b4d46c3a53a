"""Tells at the end of a sweep what became of each of its jobs; Hydra itself tells the first failure only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

__all__ = ["SweepWatch", "summary"]

_folders: list[Path] = []


class SweepWatch(Callback):
    """Notes where a sweep puts its jobs; switched on in conf/config.yaml."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _folders.append(Path(config.hydra.sweep.dir).absolute())


def summary() -> list[str]:
    """A line a job of this process's sweep: number, what became of it, overrides, and the video or the error."""
    if not _folders:
        return []
    found = [(folder.name, _manifest(folder)) for folder in _folders[-1].glob("*") if folder.name.isdigit()]
    jobs = sorted(((int(number), manifest) for number, manifest in found if manifest), key=lambda job: job[0])
    done = sum(manifest["status"] in ("finished", "planned") for _, manifest in jobs)
    return [f"{done} of {len(jobs)} jobs finished in {_folders[-1]}", *(_line(*job) for job in jobs)]


def _line(number: int, manifest: dict[str, Any]) -> str:
    status = "stopped" if manifest["status"] == "running" else manifest["status"]
    end = manifest["result"] or manifest["error"] or ""
    return f"  #{number} {status}: {' '.join(manifest['overrides'])}" + (f": {end}" if end else "")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest
