"""Gives each plugin class to Hydra as a typed option, so that Hydra lists the known names and checks keys and types."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import field, make_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

from qmv.api import Plugin
from qmv.engine.config.schema import Schema
from qmv.engine.registry import Registry
from qmv.settings import described

__all__ = ["option", "plugin_fields", "publish"]

_UNIONS = (types.UnionType, typing.Union)


def publish(registry: Registry) -> None:
    """Puts the schema and each plugin class into Hydra's ConfigStore."""
    store = ConfigStore.instance()
    store.store(name="qmv_schema", node=Schema, provider="qmv")
    for kind, entry in registry.entries():
        store.store(group=kind, name=entry.cls.name, node=option(entry.cls), provider=entry.package)
    # Hydra copies the whole store for each group that --help lists (half a second); it only reads the copies
    store.__deepcopy__ = _the_store  # type: ignore[attr-defined]


def _the_store(memo: object) -> ConfigStore:
    return ConfigStore.instance()


def plugin_fields(cls: type[Plugin]) -> dict[str, tuple[str, bool]]:
    """The fields of a plugin that hold other plugins: field -> (kind, whether it holds many)."""
    found = {}
    for name, hint in _hints(cls).items():
        many = typing.get_origin(hint) is tuple
        inner = typing.get_args(hint)[0] if many or typing.get_origin(hint) in _UNIONS else hint
        if isinstance(inner, type) and issubclass(inner, Plugin):
            found[name] = (inner.kind, many)
    return found


def _hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {name: hints[name] for name in described(cls)}


def option(cls: type[Plugin]) -> Any:
    """The plugin's settings as a config node: a plain dataclass, since OmegaConf would make a frozen one read-only."""
    parts, settings = plugin_fields(cls), described(cls)
    fields: list[tuple[str, Any, Any]] = [("name", str, cls.name)]
    for f in dataclasses.fields(cls):  # type: ignore[arg-type]
        hint = _hints(cls)[f.name]
        default: Any = MISSING if f.default is dataclasses.MISSING else f.default
        if f.default_factory is not dataclasses.MISSING:
            default = f.default_factory()
        if f.name in parts:
            kind, many = parts[f.name]
            place = settings[f.name].knob or (f"{kind}s" if many else kind)
            hint, default = Any, f"${{{place}}}"
        elif settings[f.name].knob:
            default = f"${{{settings[f.name].knob}}}"
        if typing.get_origin(hint) is tuple:
            hint = list[typing.get_args(hint)[0]]  # type: ignore[misc]
            default = list(default) if isinstance(default, tuple) else default
        if isinstance(default, (list, dict)):
            default = field(default_factory=lambda value=default: type(value)(value))  # type: ignore[misc]
        fields.append((f.name, hint, default))
    node = OmegaConf.structured(make_dataclass(cls.__name__, fields))
    for name, hint in _hints(cls).items():
        if typing.get_origin(hint) is dict and not OmegaConf.is_interpolation(node, name):
            OmegaConf.set_struct(node[name], False)  # keys of the user's own
    return node
