"""The manifest: what happened in a run, and with what, in one JSON file of the run folder.

It is rewritten whole after every stage, by a rename, so it can be read at any time and survives a killed run.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qmv import __version__
from qmv.engine.registry import Registry
from qmv.engine.secrets import redacted

__all__ = ["SCHEMA_VERSION", "Manifest", "StageRecord", "provenance"]

SCHEMA_VERSION = 2


@dataclass(kw_only=True)
class StageRecord:
    """One stage of the run. `cached`: loaded whole from an earlier one; `pieces` are counted in `unit`s."""

    node: str
    stage: str
    key: str
    status: str = "waiting"
    cached: bool | None = None
    seconds: float | None = None
    unit: str | None = None
    total: int | None = None
    made: int | None = None
    reused: int | None = None
    failed: int | None = None
    saved_usd: str | None = None
    error: str | None = None


@dataclass(kw_only=True)
class Manifest:
    """`status` is running, planned (a dry run), finished, failed or cancelled."""

    schema: int = SCHEMA_VERSION
    status: str = "running"
    started: str = ""
    seconds: float | None = None
    result: str = ""
    error: str | None = None
    error_kind: str = ""  # the class of qmv.errors that it is of
    notes: list[str] = field(default_factory=list)
    song: dict[str, Any] = field(default_factory=dict)
    style: str = ""
    choices: dict[str, Any] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    stages: list[StageRecord] = field(default_factory=list)
    pictures: dict[str, int] = field(default_factory=dict)
    money: dict[str, Any] = field(default_factory=dict)  # US dollars: spent, saved by reuse, still reserved
    budget_usd: float | None = None
    quote: dict[str, str | None] = field(default_factory=dict)  # a dry run: what would be bought, by its key
    sync: dict[str, Any] = field(default_factory=dict)  # what was measured of the finished video, without its cuts
    video: dict[str, Any] = field(default_factory=dict)  # of the finished file: its hash, size, frames
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    made_with: dict[str, Any] = field(default_factory=dict)
    made_in: str = ""  # the folder that relative paths of the config start from
    config: dict[str, Any] = field(default_factory=dict)  # all of it, so that the run can be done again

    def write(self, folder: Path) -> None:
        text = redacted(json.dumps(asdict(self), indent=2, ensure_ascii=False)) + "\n"
        part = folder / ".manifest.part"
        try:
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
            os.replace(part, folder / "manifest.json")
        except OSError:  # a full disk still has the room that the last one takes
            part.unlink(missing_ok=True)
            (folder / "manifest.json").write_text(text, encoding="utf-8", errors="backslashreplace")


def provenance(registry: Registry) -> dict[str, Any]:
    """Versions of everything that can change a result, and of every plugin package."""
    libraries = ("av", "hydra-core", "librosa", "numpy", "opencv-python-headless", "pillow", "scipy")
    packages = {entry.package: entry.package_version for _, entry in registry.entries()}
    return {
        "qmv": __version__,
        "git": _git_revision(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: importlib.metadata.version(name) for name in libraries},
        "plugins": packages,
    }


def _git_revision() -> str | None:
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
