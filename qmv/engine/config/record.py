"""The config as a run keeps it, and as commands that go on from that run change it."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from qmv.engine.config.options import option
from qmv.engine.hiding import blanked, hide_addresses
from qmv.engine.registry import Registry
from qmv.engine.songs import quoted_template
from qmv.errors import ConfigError

__all__ = ["changed", "keep", "node_of", "recorded"]


def recorded(cfg: DictConfig) -> dict[str, Any]:
    """The composed config as plain values that `OmegaConf.create` takes back, interpolations and all."""
    node = OmegaConf.to_container(cfg, resolve=False)
    return {str(key): value for key, value in typing.cast(dict[str, Any], node).items() if key != "hydra"}


def keep(folder: Path, cfg: DictConfig) -> None:
    """Writes what Hydra would, the config and the command line, without what is secret in them.

    Hydra is told not to write it: a run that is killed could not go over it any more.
    """
    from hydra.core.hydra_config import HydraConfig

    hydra = typing.cast(DictConfig, HydraConfig.instance().cfg)
    files = {"config.yaml": cfg, "hydra.yaml": hydra, "overrides.yaml": hydra.hydra.overrides.task}
    plain = {name: OmegaConf.to_container(part, resolve=False, enum_to_str=True) for name, part in files.items()}
    hide_addresses([plain["config.yaml"], plain["overrides.yaml"]])
    with contextlib.suppress(OmegaConfBaseException):  # what cannot be resolved stops the run in words of its own
        hide_addresses(OmegaConf.to_container(cfg, resolve=True))  # an address may come from the environment
    folder.mkdir(exist_ok=True)
    for name, value in plain.items():
        text = OmegaConf.to_yaml(OmegaConf.create(blanked(value)))
        (folder / name).write_text(text, encoding="utf-8")


def node_of(registry: Registry, kind: str, settings: DictConfig | str) -> DictConfig:
    """A plugin's typed node, by its name, or with the settings that a recorded config has for it."""
    values: Any = {"name": settings}
    if not isinstance(settings, str):
        values = OmegaConf.to_container(settings, resolve=False)
    return typing.cast(DictConfig, OmegaConf.merge(option(registry.get(kind, values["name"]).cls), values))


def changed(cfg: DictConfig, overrides: Sequence[str], registry: Registry, allowed: Sequence[str]) -> None:
    """Applies overrides in Hydra's grammar to a part of a config; `KIND=NAME` puts another plugin there.

    Raises ConfigError for one that is not, or not below, one of the allowed keys.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    words = OverridesParser.create().parse_overrides([quoted_template(override) for override in overrides])
    for word in sorted(words, key=lambda word: word.key_or_group != "storage"):  # so that their order does not matter
        key = word.key_or_group
        if not any(key == name or key.startswith(f"{name}.") for name in allowed):
            raise ConfigError(f"{key}: cannot be changed here; what can is {', '.join(allowed)}.")
        if word.is_delete() or word.is_sweep_override():
            raise ConfigError(f"{key}: needs one value, got '{word.input_line}'.")
        value = word.value()
        if key == "storage":
            cfg[key] = node_of(registry, key, str(value))
        else:
            OmegaConf.update(cfg, key, value, force_add=word.is_add())
