"""Makes plugins of their nodes in a composed config; every mistake gets the path of its setting."""

from __future__ import annotations

import os
import re
import typing
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException

from qmv.api import Observer, Plugin, Stage
from qmv.engine.config.options import option, plugin_fields
from qmv.engine.hiding import hide_addresses
from qmv.engine.registry import Registry
from qmv.engine.secrets import hide
from qmv.errors import ConfigError, UnknownName
from qmv.settings import described

__all__ = ["bound", "no_value", "observers", "plain"]


def bound(cfg: DictConfig, registry: Registry, path: str) -> Stage:
    """The one stage at a path of a config."""
    return typing.cast(Stage, _bind(registry, "stage", plain(cfg, path, registry), path))


def plain(cfg: DictConfig, path: str, registry: Registry | None = None) -> Any:
    """A part of the config as plain values, interpolations resolved."""
    try:
        node = OmegaConf.select(cfg, path, throw_on_missing=True)
        if not OmegaConf.is_config(node):
            return node
        return OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or path
        what = _meaning(cfg, key, registry)
        if isinstance(error, MissingMandatoryValue):
            raise no_value(key, what) from error
        if isinstance(error, InterpolationToMissingValueError):  # the key that is missing is another one
            raise no_value(str(error).splitlines()[0].rpartition(" ")[2], what) from error
        raise ConfigError(f"{key}: {str(error).splitlines()[0].rstrip('.')}; give it another value.") from error


def no_value(key: str, what: str = "") -> ConfigError:
    """The sentence for a key that somebody has to give a value; `what` goes after the value's name."""
    return ConfigError(f"{key}: has no value yet; give it one with {key}={key.rpartition('.')[2].upper()}{what}.")


def _meaning(cfg: DictConfig, key: str, registry: Registry | None) -> str:
    """What a plugin says of a setting of its own, to be put after the setting's name; '' where none does."""
    place, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, place) if place else None
    if registry is None or not isinstance(node, DictConfig):
        return ""
    named = [(kind, entry.cls) for kind, entry in registry.entries() if entry.cls.name == node.get("name")]
    # where the place does not say the kind, nothing is told that two of them would tell in different words
    classes = [cls for kind, cls in named if kind == place.rpartition(".")[2]] or [cls for _, cls in named]
    helps = {described(cls)[name].help for cls in classes if name in described(cls)}
    return f", {helps.pop()}" if len(helps) == 1 and helps != {""} else ""


def _bind(registry: Registry, kind: str, node: Any, where: str) -> Plugin:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str):
        hint = f"~{where} drops a stage" if kind == "stage" else f"{kind}=NAME chooses one"
        if kind == "effect":
            hint = f"+effect@{where}=NAME adds one"
        known = ", ".join(registry.names(kind))
        raise ConfigError(f"{where}: names no {kind} plugin, got {node!r}; {hint}; known: {known}.")
    settings = {key: value for key, value in node.items() if key != "name"}
    cls = registry.get(kind, node["name"]).cls
    where = f"{where} ({cls.name})"
    if unknown := set(settings) - set(described(cls)):
        raise UnknownName(f"{where} setting", sorted(unknown)[0], described(cls))
    for name, (part_kind, many) in plugin_fields(cls).items():
        value = settings.get(name)
        place = name if many or name == part_kind else f"{where}.{name}"
        if many:
            parts = (value or {}).items()
            settings[name] = tuple(_bind(registry, part_kind, part, f"{place}.{key}") for key, part in parts)
        else:
            settings[name] = _bind(registry, part_kind, value, place)
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    for name, value in settings.items():
        if name.endswith("key_env"):
            if not re.fullmatch(r"[A-Za-z_]\w*", str(value), re.ASCII):
                raise ConfigError(f"{where}: {name} is the name of an environment variable, got '{value}'.")
            hide(str(value))
        elif name.endswith("url_env"):
            hide_addresses(os.environ.get(str(value), ""))  # the user and the password in it
    try:
        return cls(**settings)
    except UnknownName as error:
        raise ConfigError(f"{where}: {error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}.") from error


def observers(cfg: DictConfig, registry: Registry) -> tuple[Observer, ...]:
    """Those that a config names; raises ConfigError for the first that cannot be."""
    given = plain(cfg, "observers")
    items = given if isinstance(given, list) else [] if given is None else [given]
    return tuple(_observer(cfg, registry, item, f"observers[{place}]") for place, item in enumerate(items))


def _observer(cfg: DictConfig, registry: Registry, item: Any, where: str) -> Observer:
    node = item if isinstance(item, dict) else {"name": item}
    if not isinstance(node.get("name"), str):
        raise ConfigError(
            f"{where}: names no observer plugin, got {item!r}; give its name, or {{name: NAME, SETTING: VALUE}}; "
            f"known: {', '.join(registry.names('observer'))}."
        )
    cls = registry.get("observer", node["name"]).cls
    if unknown := sorted(str(key) for key in node if key not in ("name", *described(cls))):
        raise UnknownName(f"{where} ({cls.name}) setting", unknown[0], described(cls))
    try:
        typed = OmegaConf.merge(option(cls), node)
        typed._set_parent(cfg)  # where its knobs are
        settings = OmegaConf.to_container(typed, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        text = str(error).splitlines()[0].rstrip(".")
        key = getattr(error, "full_key", None) or getattr(error, "key", None) or "a setting"
        raise ConfigError(f"{where} ({cls.name}): {key}: {text}; give it another value.") from error
    return typing.cast(Observer, _bind(registry, "observer", settings, where))
