"""What a run folder knows of its run, for commands that go on from a finished one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, OmegaConf

from qmv.api import Observer, Stage
from qmv.artifacts import Artifact, Delivery
from qmv.engine.config.binding import bound, observers
from qmv.engine.config.record import changed, node_of
from qmv.engine.manifest import SCHEMA_VERSION
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, InputError
from qmv.plain import load

__all__ = ["Recorded"]

A = TypeVar("A", bound=Artifact)
_FOLDER = "${hydra:runtime.output_dir}"  # what config.yaml calls the run's own folder
_OPEN = ("session", "n", "licence", "observers")  # knobs of a delivery
_MANIFEST = {
    "status": str, "song": dict, "choices": dict, "overrides": list, "stages": list, "video": dict, "deliveries": list,
    "made_with": dict, "made_in": str, "config": dict,
}  # fmt: skip
_CONFIG = {"outputs": str, "plugins": list, "song": dict, "stages": dict, "storage": dict}
_SONG = {"path": str, "sha256": str, "title": str, "artist": str}
_STAGE = {"node": str, "stage": str, "status": str}


@dataclass
class _Part:
    """What of a config a delivery reads."""

    storage: Any = None
    stages: Any = None
    session: str = ""
    n: int | None = None
    licence: str = ""
    observers: Any = None


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run as its manifest tells it."""

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Recorded:
        """From a run folder, or its manifest.json; raises InputError for what is none."""
        file = path / "manifest.json" if path.is_dir() else path
        if not file.is_file() and not path.is_dir():
            raise InputError(f"{path}: there is none; name the folder of a run, or the manifest.json in it.")
        if not file.is_file():
            raise InputError(f"{path}: has no manifest.json; name the folder of a run, such as outputs/runs/DATE/TIME.")
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
            schema = manifest["schema"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{file}: is no manifest of a run ({error}); name the folder of a run.") from error
        if schema != SCHEMA_VERSION:
            raise InputError(f"{file}: was written by another version of QMV; run its command again with this one.")
        _check(manifest, _MANIFEST, f"{file}")
        _check(manifest["config"], _CONFIG, f"{file}: config")
        _check(manifest["song"], _SONG, f"{file}: song")
        for number, stage in enumerate(manifest["stages"]):
            _check(stage, _STAGE, f"{file}: stages[{number}]")
        return cls(folder=file.parent.absolute(), manifest=manifest)

    @property
    def made_in(self) -> Path:
        """The folder that its relative paths start from."""
        return Path(self.manifest["made_in"])

    def registry(self) -> Registry:
        """The plugins, also those in files that the run named."""
        return Registry([str(self.made_in / file) for file in self.manifest["config"].get("plugins") or ()])

    def outputs(self) -> Path:
        return self.made_in / str(self.manifest["config"]["outputs"])

    def config(self, folder: Path) -> DictConfig:
        """The whole config of the run, for another one in `folder`."""
        return cast(DictConfig, OmegaConf.create(_moved(self.manifest["config"], folder)))

    def artifact(self, node: str, kind: type[A]) -> A | None:
        """What a node made, None where it made nothing; raises InputError for what cannot be read any more."""
        file = self.folder / "artifacts" / f"{node}.json"
        try:
            return load(kind, json.loads(file.read_text(encoding="utf-8")), file.parent)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{file}: cannot be read ({error}); run the command of this run again.") from error

    def delivery(self, registry: Registry, overrides: Sequence[str]) -> tuple[str, Stage, tuple[Observer, ...]]:
        """The stage that delivers, after its node's name, with `storage=NAME`, `storage.x=y`, `session=ID` ... changed;
        and who is told of it."""
        config = self.config(self.folder)
        if config.storage.get("name") == "folder":  # a relative one is of the folder that the run was started in
            config.storage.path = str(self.made_in / str(config.storage.get("path", "")))
        node = _node_of_delivery(config, registry)
        used = config.stages.get(node, "deliver")
        known = {
            "storage": node_of(registry, "storage", config.storage),
            "stages": {node: node_of(registry, "stage", used)},
            **{name: config.get(name) for name in _OPEN},
        }
        part = cast(DictConfig, OmegaConf.merge(OmegaConf.structured(_Part), known))
        allowed = (*_OPEN, "storage", f"stages.{node}")
        changed(part, overrides, registry, allowed)
        stage = bound(part, registry, f"stages.{node}")
        if not issubclass(stage.makes(), Delivery):
            raise ConfigError(f"stages.{node} ({stage.name}): delivers nothing; name one that does.")
        return node, stage, observers(part, registry)


def _check(found: Any, shape: Mapping[str, type], where: str) -> None:
    """Raises InputError where a part of a manifest is not what a run writes."""
    if not isinstance(found, dict):
        raise InputError(f"{where} is no mapping; it was edited, so run its command again.")
    for name, kind in shape.items():
        if not isinstance(found.get(name), kind):
            raise InputError(f"{where}: {name} is missing or of another kind; it was edited, so run its command again.")


def _node_of_delivery(config: DictConfig, registry: Registry) -> str:
    for node, settings in config.stages.items():
        if issubclass(registry.get("stage", settings["name"]).cls.makes(), Delivery):  # type: ignore[attr-defined]
            return str(node)
    return "delivery"


def _moved(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _moved(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, folder) for item in value]
    return str(folder).replace("${", r"\${") if value == _FOLDER else value
