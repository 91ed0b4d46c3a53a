"""The styles of an installation, read once: for the offer, and for the pictures that a page shows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmv.errors import ConfigError

__all__ = ["Look", "looks"]

_GROUP = "/style/"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A style's words and colours; `look` is the canvas provider's, '' for its usual one."""

    name: str
    prompt: str
    palette: tuple[str, ...] = ()
    look: str = ""
    shots: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


def looks(files: Mapping[str, Path]) -> dict[str, Look]:
    """The styles by name. Raises ConfigError for one that cannot be read, or has no prompt, its own or another's."""
    return {name: _look(files, name) for name in files}


def _look(files: Mapping[str, Path], name: str) -> Look:
    values = _values(files, name)
    if not values.get("prompt"):
        raise ConfigError(f"style ({files[name]}): is no style; it needs at least a prompt.")
    return Look(
        name=name, prompt=str(values["prompt"]), look=str(values.get("look") or ""),
        palette=_listed(values, "palette"), shots=_listed(values, "shots"), subjects=_listed(values, "subjects"),
    )  # fmt: skip


def _values(files: Mapping[str, Path], name: str, within: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the file says, over what the styles say that its defaults list names before `_self_`, as with Hydra."""
    own = _read(files[name])
    parts = [part.removeprefix(_GROUP) for part in own.pop("defaults", None) or () if isinstance(part, str)]
    values: dict[str, Any] = {}
    for part in parts if "_self_" in parts else [*parts, "_self_"]:
        if part == "_self_":
            values |= own
        elif part in files and part not in (*within, name):
            values |= _values(files, part, (*within, name))
    return values


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise ConfigError(f"style ({file}): cannot be read ({why}); mend it.") from error
    if not isinstance(read, dict) or not isinstance(read.get("defaults") or [], list):
        raise ConfigError(f"style ({file}): holds no settings; see conf/style/neon.yaml for their form.")
    return read


def _listed(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = values.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()
