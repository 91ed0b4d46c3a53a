"""What this installation offers to outsiders: its styles, and the settings with the choices that are there.

Read once at the start, from the folder conf/ beside run.py, from its plugins, and from what the operator set.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.errors import ConfigError, UnknownName
from qmv.service.intake.knobs import KNOBS, Knob, shown
from qmv.service.intake.styles import Look, looks
from qmv.service.settings import config_folder

if TYPE_CHECKING:
    from qmv.engine.registry import Registry
    from qmv.service.settings import ServiceSettings

__all__ = ["Look", "Offer"]

_GROUPS = ("format", "quality", "motion", "transition")  # knobs that are groups of the config
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """`style` is the one that is taken where none is named; '' where one must be."""

    styles: dict[str, Look]
    knobs: dict[str, Knob]
    style: str = ""

    @classmethod
    def read(cls, settings: ServiceSettings) -> Offer:
        """Raises ConfigError where the folder is not there, or the operator offers what it does not have."""
        folder = config_folder(settings)
        config = _config(folder, settings.overrides)
        registry = _registry(config)
        folders = [folder, *map(Path, registry.config_paths)]
        known = looks(_presets(folders, "style"))
        only = _only(settings)
        knobs = {}
        for knob in KNOBS.values():
            choices = knob.choices
            if knob.name == "image":
                choices = _images(settings, {*_presets(folders, "image"), *registry.names("image")})
            elif knob.name in _GROUPS:
                choices = tuple(sorted({*_presets(folders, knob.name), *_plugins(registry, knob.name)}))
            default = settings.images[0] if knob.name == "image" and settings.images else config.get(knob.name)
            if (kept := _kept(knob.name, choices, only)) is not None:
                knobs[knob.name] = _narrowed(knob, kept, default)
        styles = _kept("style", tuple(sorted(known)), only) or ()
        style = str(config.get("style", ""))
        return cls(
            styles={name: known[name] for name in styles},
            knobs={name: knob for name, knob in knobs.items() if knob.choices or not _is_choice(name)},
            style=style if style in styles else next(iter(styles), ""),
        )

    def options(self) -> list[dict[str, Any]]:
        """The settings for a page that offers them, in the order of the table."""
        return [
            {**{name: value for name, value in dataclasses.asdict(knob).items() if name != "key"},
             "choices": [*knob.choices]}
            for knob in self.knobs.values()
        ]  # fmt: skip

    def checked_style(self, style: object) -> str:
        """Raises UnknownName for a style that is not offered; None and '' are the default."""
        if style is None or style == "":
            if not self.style:
                raise ConfigError("style: none is offered here; ask the operator.")
            return self.style
        if not isinstance(style, str) or style not in self.styles:
            raise UnknownName("style", shown(style), self.styles)
        return style


def _config(folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The values and the chosen options of config.yaml, as the operator's overrides have them."""
    import yaml

    try:
        plain = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(
            f"QMV_SERVICE_PROGRAM: {folder / 'config.yaml'} cannot be read; name the run.py beside its folder conf/."
        ) from error
    chosen = [option for option in plain.pop("defaults", []) if isinstance(option, dict)]
    values = {**plain, **{key: name for option in chosen for key, name in option.items()}}
    for override in overrides:
        key, mark, value = override.partition("=")
        if mark:
            values[key.lstrip("+")] = yaml.safe_load(value) if "${" not in value else None
    return values


def _registry(config: dict[str, Any]) -> Registry:
    from qmv.engine.registry import Registry

    named = config.get("plugins") or []
    return Registry([str(file) for file in (named if isinstance(named, list) else [named])])


def _presets(folders: Sequence[Path], group: str) -> dict[str, Path]:
    """The options of a group by name; the first folder that has one decides, as with Hydra."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted((folder / group).glob("*.yaml")):
            if _NAME.fullmatch(file.stem):
                found.setdefault(file.stem, file)
    return found


def _images(settings: ServiceSettings, known: set[str]) -> tuple[str, ...]:
    for name in settings.images:
        if name not in known:
            raise UnknownName("QMV_SERVICE_IMAGES", name, known)
    return settings.images


def _plugins(registry: Registry, kind: str) -> list[str]:
    """Those that can be chosen by their name alone."""
    return [
        entry.cls.name
        for of, entry in registry.entries()
        if of == kind
        and all(
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
            for field in dataclasses.fields(entry.cls)  # type: ignore[arg-type]
        )
    ]


# -- what the operator keeps it to -----------------------------------------------------------------------------------


def _is_choice(name: str) -> bool:
    return name in _GROUPS or name == "image"


def _only(settings: ServiceSettings) -> dict[str, tuple[str, ...]]:
    """QMV_SERVICE_OFFERED: name -> the choices that are left of it; none: it cannot be set from outside."""
    only = {}
    for word in settings.offered:
        name, mark, text = word.partition("=")
        if not mark or name not in {*KNOBS, "style"}:
            known = ", ".join(["style", *KNOBS])
            raise ConfigError(f"QMV_SERVICE_OFFERED: is NAME=CHOICE,CHOICE or NAME=, got '{word}'; names: {known}.")
        only[name] = tuple(filter(None, (part.strip() for part in text.split(","))))
    return only


def _kept(name: str, choices: tuple[str, ...], only: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The choices that are left, in the operator's order; None where the setting is taken away."""
    if name not in only:
        return choices
    for choice in only[name]:
        if choice not in choices:
            raise UnknownName(f"QMV_SERVICE_OFFERED: {name}", choice, choices)
    return only[name] or None


def _narrowed(knob: Knob, choices: tuple[str, ...], default: Any) -> Knob:
    """The knob as it is offered; a default that is none of the choices is not told."""
    if choices:
        default = str(default)
        default = default if default in choices else None
    elif knob.type != "text" and (isinstance(default, bool) or not isinstance(default, (int, float))):
        default = None  # such as beats by energy, which a page cannot show
    return dataclasses.replace(knob, choices=choices, default=default)
