"""Puts Hydra's and OmegaConf's errors into one sentence each, with the known names and the closest one."""

from __future__ import annotations

import re

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from qmv.engine import config
from qmv.engine.config import Schema
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, QmvError, UnknownName, output_error
from qmv.settings import described

__all__ = ["sentence"]

_TYPES = {"Integer": "a whole number", "Float": "a number", "bool": "true or false"}


def sentence(error: BaseException, registry: Registry | None) -> QmvError:
    """The error as a QmvError; one that nobody foresaw is called unexpected and keeps its words."""
    chain = _chain(error)
    for cause in chain:
        if isinstance(cause, QmvError):
            return cause
    for cause in chain:
        if isinstance(cause, MissingConfigException):
            return _unknown_option(cause, registry)
        if isinstance(cause, OverrideParseException):
            return ConfigError(
                f"'{cause.override}': cannot be read as KEY=VALUE; put a value with special characters into quotes: "
                "'key=\"value\"'."
            )
    for cause in chain:
        if isinstance(cause, OmegaConfBaseException) and "$" not in str(cause):  # inner ones are unfilled templates
            return _bad_value(cause, registry)
    for cause in chain:
        if isinstance(cause, OSError) and (known := output_error(cause)) is not None:
            return known
        if isinstance(cause, ConfigCompositionException):
            return _bad_override(cause)
    text = " ".join(str(error).split())
    if match := re.match(r"Ambiguous value for argument '(.+?)'", text):
        return ConfigError(f"{match[1]}: several values make a sweep; add -m, or put the value into quotes.")
    if isinstance(error, HydraException) or text.startswith("Config group override"):
        return ConfigError(text)
    return QmvError(f"unexpected ({type(error).__name__}): {text}; please report it with the command that you ran.")


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _unknown_option(error: MissingConfigException, registry: Registry | None) -> QmvError:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    unknown = UnknownName(group or "config", name.removesuffix(".yaml"), error.options or [])
    hint = registry.broken_hint() if registry else ""
    song = " Or give the path of a song: song=path/to/track.mp3." if group == "song" else ""
    return ConfigError(f"{unknown}{hint}{song}") if hint or song else unknown


def _bad_value(error: OmegaConfBaseException, registry: Registry | None) -> QmvError:
    text = str(error).splitlines()[0]
    if match := re.match(r"Key '(.+)' not in '(.+)'", text):
        return _unknown_key(match[1], _keys_of(match[2], registry))
    if match := re.search(r"Key '(.+)' is not in struct", text):
        return _unknown_key(match[1], _siblings(error))
    key = getattr(error, "full_key", None) or "config"
    if match := re.match(r"Value '(.*)' (?:of type '.*' could not be converted to (\w+)|is not a valid (\w+))", text):
        wanted = _TYPES.get(match[2] or match[3], match[2] or match[3])
        return ConfigError(f"{key}: must be {wanted}, got '{match[1]}'.")
    return ConfigError(f"{key}: {text.rstrip('.')}.")


def _bad_override(error: ConfigCompositionException) -> QmvError:
    text = " ".join(str(error).split())
    if match := re.match(r"Could not override '([^'@]+)(?:@[^']*)?'", text):
        return _unknown_key(match[1], list(Schema.__dataclass_fields__))
    return ConfigError(text)


def _unknown_key(name: str, known: list[str]) -> QmvError:
    unknown = UnknownName("config key", name, known)
    if name in ("effect", "stage"):
        return ConfigError(f"{unknown} Add one with +{name}@{name}s.MY_NAME=NAME.")
    return unknown


def _siblings(error: OmegaConfBaseException) -> list[str]:
    """The keys beside the one that an error is about."""
    parent = getattr(error, "parent_node", None)
    return [str(key) for key in parent] if isinstance(parent, DictConfig) else list(Schema.__dataclass_fields__)


def _keys_of(type_name: str, registry: Registry | None) -> list[str]:
    """The keys of a config node, known by the name of its class."""
    node = getattr(config, type_name, None)
    if node is not None:
        return list(node.__dataclass_fields__)
    classes = [entry.cls for _, entry in registry.entries()] if registry else []
    return [name for cls in classes if cls.__name__ == type_name for name in described(cls)]
