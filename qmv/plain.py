"""Artifacts as plain JSON values and back, and the files that they stand on. Imports only `qmv.artifacts`."""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from qmv.artifacts import File

__all__ = ["content", "dump", "files", "load"]

A = TypeVar("A")


def dump(value: object, folder: Path, within: Path | None = None) -> Any:
    """Plain JSON values; a path inside `within` is kept relative to `folder`, so that the tree can be moved."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: dump(getattr(value, f.name), folder, within) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [dump(item, folder, within) for item in value]
    if isinstance(value, Mapping):
        return {str(key): dump(item, folder, within) for key, item in value.items()}
    if isinstance(value, Path):
        return os.path.relpath(value, folder) if value.is_relative_to(within or folder) else str(value)
    if isinstance(value, (Fraction, Decimal)):
        return str(value)
    return value


def content(value: object) -> Any:
    """Plain JSON values that are equal where two artifacts say the same; a file counts by its bytes."""
    if isinstance(value, File):
        return value.sha256
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: content(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [content(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): content(item) for key, item in value.items()}
    return str(value) if isinstance(value, (Fraction, Decimal, Path)) else value


def load(kind: type[A], data: Any, folder: Path) -> A:
    """The value of type `kind` that `dump` wrote; raises TypeError, ValueError or KeyError for anything else."""
    return typing.cast(A, _load(kind, data, folder))


def _load(kind: Any, data: Any, folder: Path) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return tuple(_load(args[0], item, folder) for item in data)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else _load(next(a for a in args if a is not type(None)), data, folder)
    if origin is dict:
        return {key: _load(args[1], item, folder) for key, item in data.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        if set(data) != set(hints):
            raise ValueError(f"{kind.__name__} has other fields")
        return kind(**{name: _load(hints[name], item, folder) for name, item in data.items()})
    if kind is Path:
        return Path(os.path.normpath(folder / data))
    return kind(data) if kind in (Fraction, Decimal, float) else data


def files(value: object) -> list[File]:
    """Every file that an artifact stands on."""
    if isinstance(value, File):
        return [value]
    if isinstance(value, tuple):
        return [file for item in value for file in files(item)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [file for f in dataclasses.fields(value) for file in files(getattr(value, f.name))]
    return []
