"""What the small commands are given: plugins by name with KEY=VALUE settings, and paths to write to."""

from __future__ import annotations

import contextlib
import os
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.errors import ConfigError, OutputError, UnknownName
from qmv.settings import described

if TYPE_CHECKING:
    from qmv.engine.registry import Registry

__all__ = ["output_path", "plugin_of", "written"]

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def plugin_of(registry: Registry, kind: str, name: str, settings: Sequence[str]) -> Any:
    """A plugin with its settings; raises ConfigError where one is unknown, of another type, or out of its range."""
    cls = registry.get(kind, name).cls
    where = f"{kind} ({name})"
    hints, values = typing.get_type_hints(cls), {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{where}: a setting is KEY=VALUE, got '{text}'; `qmv plugins {kind}` lists them.")
        if key not in described(cls):
            raise UnknownName(f"{where} setting", key, described(cls))
        values[key] = _value(f"{where}: {key}", value, hints[key])
    try:
        return cls(**values)
    except UnknownName as error:
        raise ConfigError(f"{where}: {error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}.") from error


def _value(where: str, text: str, hint: Any) -> Any:
    """A setting's text as its type has it; 'null' is None where that is allowed."""
    kinds = () if typing.get_origin(hint) in (tuple, list, dict) else typing.get_args(hint) or (hint,)
    if type(None) in kinds and text in ("null", "None", ""):
        return None
    for kind, word in ((bool, "true or false"), (int, "a whole number"), (float, "a number")):
        if kind in kinds:
            try:
                return _TRUTHS[text.lower()] if kind is bool else kind(text)
            except (KeyError, ValueError) as error:
                raise ConfigError(f"{where} must be {word}, got '{text}'.") from error
    if str in kinds:
        return text
    raise ConfigError(f"{where} cannot be given here; write it into a config and use run.py.")


def output_path(option: str, path: Path, suffix: str, inputs: Iterable[str | None]) -> None:
    """Raises OutputError where a file cannot be written to, or is one of those that are read."""
    where = f"{option} ({path})"
    if path.suffix.lower() != suffix:
        raise OutputError(f"{where}: is written as {suffix[1:].upper()}; name a file that ends in {suffix}.")
    if path.is_dir():
        raise OutputError(f"{where}: is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise OutputError(f"{where}: there is no folder {path.parent}; make it, or name another file.")
    for read in inputs:
        if read is not None and path.exists() and Path(read).exists() and path.samefile(read):
            raise OutputError(f"{where}: is read itself and would be lost; name another file.")


@contextlib.contextmanager
def written(option: str, path: Path) -> Iterator[Path]:
    """A path to write to that becomes the asked one when it is whole; raises OutputError where that fails."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{option} ({path}): cannot be written ({reason}); name another file.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
