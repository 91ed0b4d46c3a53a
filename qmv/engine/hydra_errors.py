"""Puts Hydra's and OmegaConf's errors into one sentence each, with the known names and the closest one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from qmv.engine.config import schema
from qmv.engine.config.binding import no_value
from qmv.engine.config.schema import Schema
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, OutputError, QmvError, UnknownName, output_error
from qmv.settings import described

__all__ = ["sentence"]

_SONG_PATH = " Or give the path of a song: song=path/to/track.mp3."
_TYPES = {"Integer": "a whole number", "Float": "a number", "bool": "true or false"}


def sentence(error: BaseException, registry: Registry | None) -> QmvError:
    """The error as a QmvError; one that nobody foresaw is called unexpected and keeps its words."""
    chain = _chain(error)
    for kind, say in _SENTENCES:  # the most telling kind first, wherever in the chain it is
        for cause in chain:
            # OmegaConf's inner errors are templates that are not filled in yet
            if isinstance(cause, kind) and "$VALUE" not in str(cause):
                return say(cause, registry)
    text = " ".join(str(error).split())
    if text.startswith("Config group override"):
        return ConfigError(f"{text}; name an option of the group.")
    return QmvError(f"unexpected ({type(error).__name__}): {text}; please report it with the command that you ran.")


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _unknown_option(error: Any, registry: Registry | None) -> QmvError:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    unknown = UnknownName(group or "config", name.removesuffix(".yaml"), error.options or [])
    hint = registry.broken_hint() if registry else ""
    song = _SONG_PATH if group == "song" else ""
    return ConfigError(f"{unknown}{hint}{song}") if hint or song else unknown


def _no_option(group: str, known: list[str]) -> QmvError:
    """For a group that is set to '???'."""
    song = _SONG_PATH if group == "song" else ""
    return ConfigError(f"{group}: has no value yet; choose one with {group}=NAME; known: {', '.join(known)}.{song}")


def _bad_value(error: Any, registry: Registry | None) -> QmvError:
    text = str(error).splitlines()[0]
    if match := re.match(r"Key '(.+)' not in '(.+)'", text):
        return _unknown_key(_full_key(error, match[1]), _keys_of(match[2], registry))
    if match := re.search(r"Key '(.+)' is not in struct", text):
        return _unknown_key(_full_key(error, match[1]), _siblings(error))
    key = _full_key(error, "config")
    if key == "effects":
        return ConfigError("effects: is a set of named effects; add one with +effect@effects.MY_NAME=NAME.")
    if text.endswith(" is not Optional"):
        return ConfigError(
            f"{key}: must have a value, got null; give it one with {key}={key.rpartition('.')[2].upper()}."
        )
    if text.startswith("Missing mandatory value: "):
        return no_value(key)
    if match := re.match(r"Value '(.*)' (?:of type '.*' could not be converted to (\w+)|is not a valid (\w+))", text):
        wanted = _TYPES.get(match[2] or match[3], match[2] or match[3])
        return ConfigError(f"{key}: must be {wanted}, got '{match[1]}'.")
    return ConfigError(f"{key}: {text.rstrip('.')}.")


def _bad_override(error: Any, registry: Registry | None) -> QmvError:
    text = " ".join(str(error).split())
    if match := re.match(r"Could not override '([^'@]+)(?:@[^']*)?'", text):
        return _unknown_key(match[1], list(Schema.__dataclass_fields__))
    if match := re.match(r"You must specify '(.+?)'", text):
        return _no_option(match[1], [line.strip() for line in str(error).splitlines() if line.startswith("\t")])
    if match := re.match(r"Ambiguous value for argument '(.+?)' 1\.", text):
        return ConfigError(
            f"{match[1]}: several values make a sweep; add -m, or put the value into quotes within the shell's own: "
            f"'{match[1].partition('=')[0]}=\"one, two\"'."
        )
    return ConfigError(text)


def _no_override(error: Any, registry: Registry | None) -> QmvError:
    return ConfigError(
        f"'{error.override}': cannot be read as KEY=VALUE; put a value with special characters into quotes: "
        "'key=\"value\"'."
    )


def _no_output(error: Any, registry: Registry | None) -> QmvError:
    """Hydra has opened no files for writing but those of the run's folder."""
    where = error.filename or "the run's folder"
    return output_error(error) or OutputError(f"outputs ({where}): {error.strerror}; name another with outputs=FOLDER.")


def _bad_yaml(error: Any, registry: Registry | None) -> QmvError:
    return ConfigError(f"config: a YAML file cannot be read: {' '.join(str(error).split())}; mend it there.")


def _unknown_key(name: str, known: list[str]) -> QmvError:
    folder, _, _ = name.rpartition(".")
    unknown = UnknownName("config key", name, [f"{folder}.{key}" for key in known] if folder else known)
    if name in ("effect", "stage"):
        return ConfigError(f"{unknown} Add one with +{name}@{name}s.MY_NAME=NAME.")
    return unknown


def _full_key(error: OmegaConfBaseException, key: str) -> str:
    return str(getattr(error, "full_key", None) or key)


def _siblings(error: OmegaConfBaseException) -> list[str]:
    """The keys beside the one that an error is about."""
    parent = getattr(error, "parent_node", None)
    return [str(key) for key in parent] if isinstance(parent, DictConfig) else list(Schema.__dataclass_fields__)


def _keys_of(type_name: str, registry: Registry | None) -> list[str]:
    """The keys of a config node, known by the name of its class."""
    node = getattr(schema, type_name, None)
    if node is not None:
        return list(node.__dataclass_fields__)
    classes = [entry.cls for _, entry in registry.entries()] if registry else []
    return [name for cls in classes if cls.__name__ == type_name for name in described(cls)]


_SENTENCES: tuple[tuple[type[BaseException], Callable[[Any, Registry | None], QmvError]], ...] = (
    (QmvError, lambda error, _: error),
    (MissingConfigException, _unknown_option),
    (OverrideParseException, _no_override),
    (OmegaConfBaseException, _bad_value),
    (YAMLError, _bad_yaml),
    (OSError, _no_output),
    (HydraException, _bad_override),
)
