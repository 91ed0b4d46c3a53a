"""The way from a composed config to a `Job`: the plugins, the song and the style of a run, each looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from omegaconf import DictConfig

from qmv.api import Observer, Stage
from qmv.artifacts import Style
from qmv.engine.config.binding import bound, observers, plain
from qmv.engine.config.schema import RunSettings, Schema, SongSettings, StyleSettings
from qmv.engine.palette import COLOUR, with_palette
from qmv.engine.registry import Registry
from qmv.engine.secrets import has_key
from qmv.engine.song_checks import check
from qmv.errors import ConfigError, UnknownName

__all__ = ["Job", "bind"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that a run needs, checked: the stages by node name, the song's settings and the style."""

    stages: Mapping[str, Stage]
    song: SongSettings
    style: Style
    run: RunSettings
    outputs: str
    budget_usd: float | None = None
    observers: tuple[Observer, ...] = ()
    session: str = ""
    n: int = 1


def bind(cfg: DictConfig, registry: Registry) -> Job:
    """Makes the plugins that a composed config names; raises ConfigError with the place of the first mistake."""
    for key in cfg:
        if key not in Schema.__dataclass_fields__ and key != "hydra":
            raise UnknownName("config key", str(key), Schema.__dataclass_fields__)
    stages = {str(name): bound(cfg, registry, f"stages.{name}") for name in cfg.stages}
    if not stages:
        raise ConfigError("stages: there are none; choose a graph, for instance graph=music_video.")
    _refuse_keys(cfg)
    run = _settings(RunSettings, "run", plain(cfg, "run"))
    if run.workers < 0:
        raise ConfigError(f"run: workers must be at least 0 (0: one a core), got {run.workers}.")
    return Job(
        stages=stages,
        song=_song(plain(cfg, "song")),
        style=with_palette(_style(plain(cfg, "style")), plain(cfg, "palette")),
        run=run,
        outputs=cfg.outputs,
        budget_usd=cfg.budget_usd,
        observers=observers(cfg, registry),
        session=cfg.session,
        n=1 if cfg.n is None else cfg.n,
    )


def _refuse_keys(cfg: DictConfig) -> None:
    """A key in a brief would reach the image service; what else of the config has no value is told where it is read."""
    for name in Schema.__dataclass_fields__:
        try:
            place = _place_of_key(plain(cfg, name), name)
        except ConfigError:
            continue
        if place:
            raise ConfigError(f"{place}: holds a key; keys belong into the environment or the file .env, nowhere else.")


def _place_of_key(node: Any, place: str = "") -> str:
    """Where the config has the value of a variable that holds a plugin's key; '' where it has none."""
    if isinstance(node, dict):
        found = (_place_of_key(value, f"{place}.{key}".lstrip(".")) for key, value in node.items())
        return next(filter(None, found), "")
    if isinstance(node, list):
        return next(filter(None, (_place_of_key(value, place) for value in node)), "")
    return place if isinstance(node, str) and has_key(node) else ""


def _settings(cls: type[T], where: str, node: dict[str, Any]) -> T:
    known = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in node:
        if key not in known:
            raise UnknownName(f"{where} setting", key, known)
    return cls(**node)


def _song(node: dict[str, Any]) -> SongSettings:
    song = _settings(SongSettings, "song", node)
    check(song)
    return song


def _style(node: dict[str, Any]) -> Style:
    _settings(StyleSettings, "style", node)
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in node.items()}
    style = Style(**values)
    for name in ("palette", "shots", "subjects"):
        if not getattr(style, name):
            raise ConfigError(f"style ({style.name}): {name} is empty; give at least one.")
    for colour in style.palette:
        if not COLOUR.fullmatch(colour):
            raise ConfigError(f"style ({style.name}): palette has '{colour}'; colours look like '#1a2b3c'.")
    known = {"shot", "subject", "mood", "title", "artist", "lyric", "section"}
    try:
        style.prompt.format_map(dict.fromkeys(known, ""))
    except (KeyError, ValueError, IndexError) as error:
        allowed = ", ".join(f"{{{name}}}" for name in sorted(known))
        raise ConfigError(
            f"style ({style.name}): prompt has a wrong placeholder {error}; allowed: {allowed}."
        ) from error
    return style
