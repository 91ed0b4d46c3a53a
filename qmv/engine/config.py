"""The config's schema, and the way from a composed config to plugin objects.

`publish` gives every plugin class to Hydra as a typed option of its kind's group, so that Hydra itself lists the known
names and checks keys and types. `bind` turns the composed config into a `Job`. Hydra and OmegaConf appear only here,
in `engine.songs`, `app` and `run.py`.
"""

from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from typing import Any, TypeVar

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from qmv.api import Observer, Plugin, Stage
from qmv.artifacts import Style
from qmv.engine.hiding import hide_addresses
from qmv.engine.palette import COLOUR, with_palette
from qmv.engine.registry import Registry
from qmv.engine.secrets import has_key, hide
from qmv.engine.song_checks import check
from qmv.engine.songs import quoted_template
from qmv.errors import ConfigError, UnknownName
from qmv.settings import described

__all__ = [
    "Job", "SongSettings", "bind", "bound", "changed", "node_of", "observers", "plugin_fields", "publish", "recorded",
]  # fmt: skip


T = TypeVar("T")
_UNIONS = (types.UnionType, typing.Union)

# -- schema ----------------------------------------------------------------------------------------------------------


@dataclass
class SongSettings:
    """A song: a path, and what the user knows better than the file's tags and the tracker (docs/song.md).

    Times are seconds of the file.
    """

    path: str = MISSING
    title: str | None = None
    artist: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    window: str | None = None
    bpm: float | None = None
    tempo_range: list[float] | None = None
    meter: str | None = None
    downbeat_s: float | None = None
    offset_s: float = 0.0
    beats_file: str | None = None
    lyrics: str | None = None
    most_mb: float = 500.0
    most_minutes: float | None = None
    public_only: bool = False


@dataclass
class StyleSettings:
    """A look in words and colours, as conf/style/*.yaml give it."""

    name: str = MISSING
    prompt: str = MISSING
    negative_prompt: str = ""
    look: str = "neon"
    palette: list[str] = field(default_factory=lambda: ["#101018", "#404060", "#8080a0", "#f0f0f0"])
    shots: list[str] = field(default_factory=lambda: ["wide shot", "medium shot", "close-up"])
    subjects: list[str] = MISSING
    moods: list[str] = field(default_factory=list)


@dataclass
class RunSettings:
    """How this machine runs, none of which changes a result. `workers`: 0 means one a core.

    `cache_url` is the address of a cache that machines share (docs/shared_cache.md); '': there is none.
    """

    dry: bool = False
    workers: int = 0
    cache_url: str = ""


@dataclass
class ProveSettings:
    """What to do with a video that is out of sync: `on_fail` is fail or warn."""

    on_fail: str = "fail"


@dataclass
class Schema:
    """The top level of the config: the knobs that people sweep, and one node for each kind of plugin."""

    song: SongSettings = field(default_factory=SongSettings)
    style: StyleSettings = field(default_factory=StyleSettings)
    beats_per_image: Any = MISSING  # a number, or a mapping by energy or section
    min_images: int = MISSING
    fps: str = MISSING
    width: int = MISSING
    height: int = MISSING
    seed: int = MISSING
    brief: str = ""
    subject: str = ""
    palette: Any = None  # words, or a list of '#rrggbb'
    storyboard: str | None = None
    on_missing: str = "fail"
    budget_usd: float | None = None
    prices: dict[str, Any] = field(default_factory=dict)
    tracker: Any = None
    writer: Any = None
    image: Any = None
    fallback: Any = None
    motion: Any = None
    transition: Any = None
    effects: dict[str, Any] = field(default_factory=dict)
    encoder: Any = None
    storage: Any = None
    session: str = ""
    n: int | None = None
    licence: str = ""
    observers: Any = field(default_factory=list)  # names, or mappings with a name
    audio: str = "aac"
    audio_kbps: int = 256
    loudness_lufs: float | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, Any] = field(default_factory=dict)
    prove: ProveSettings = field(default_factory=ProveSettings)
    run: RunSettings = field(default_factory=RunSettings)
    outputs: str = "outputs"
    songs_dir: str | None = None
    plugins: list[str] = field(default_factory=list)


def publish(registry: Registry) -> None:
    """Puts the schema and each plugin class into Hydra's ConfigStore."""
    store = ConfigStore.instance()
    store.store(name="qmv_schema", node=Schema, provider="qmv")
    for kind, entry in registry.entries():
        store.store(group=kind, name=entry.cls.name, node=_node(entry.cls), provider=entry.package)
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


def _node(cls: type[Plugin]) -> Any:
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


# -- binding ---------------------------------------------------------------------------------------------------------


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
    stages = {}
    for name in cfg.stages:
        node = plain(cfg, f"stages.{name}")
        stages[str(name)] = typing.cast(Stage, _bind(registry, "stage", node, f"stages.{name}"))
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


def bound(cfg: DictConfig, registry: Registry, path: str) -> Stage:
    """The one stage at a path of a config."""
    return typing.cast(Stage, _bind(registry, "stage", plain(cfg, path), path))


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
        typed = OmegaConf.merge(_node(cls), node)
        typed._set_parent(cfg)  # where its knobs are
        settings = OmegaConf.to_container(typed, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        text = str(error).splitlines()[0].rstrip(".")
        key = getattr(error, "full_key", None) or getattr(error, "key", None) or "a setting"
        raise ConfigError(f"{where} ({cls.name}): {key}: {text}; give it another value.") from error
    return typing.cast(Observer, _bind(registry, "observer", settings, where))


def recorded(cfg: DictConfig) -> dict[str, Any]:
    """The composed config as plain values that `OmegaConf.create` takes back, interpolations and all."""
    node = OmegaConf.to_container(cfg, resolve=False)
    return {str(key): value for key, value in typing.cast(dict[str, Any], node).items() if key != "hydra"}


def node_of(registry: Registry, kind: str, settings: DictConfig | str) -> DictConfig:
    """A plugin's typed node, by its name, or with the settings that a recorded config has for it."""
    values: Any = {"name": settings}
    if not isinstance(settings, str):
        values = OmegaConf.to_container(settings, resolve=False)
    return typing.cast(DictConfig, OmegaConf.merge(_node(registry.get(kind, values["name"]).cls), values))


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


def plain(cfg: DictConfig, path: str) -> Any:
    """A part of the config as plain values, interpolations resolved."""
    try:
        node = OmegaConf.select(cfg, path, throw_on_missing=True)
        if not OmegaConf.is_config(node):
            return node
        return OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or path
        if isinstance(error, MissingMandatoryValue):
            raise ConfigError(f"{key}: has no value yet; give it one with {key}=VALUE.") from error
        raise ConfigError(f"{key}: {str(error).splitlines()[0].rstrip('.')}; give it another value.") from error


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
