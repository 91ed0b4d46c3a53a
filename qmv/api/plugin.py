"""What every plugin is."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import inspect
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar

from qmv.errors import PluginError
from qmv.settings import check

__all__ = ["Plugin"]


class Plugin(ABC):
    """One way to do one kind of job."""

    kind: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise it when the same settings give another result
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions whose version changes the result

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def about(cls) -> tuple[str, ...]:
        """What `python -m qmv plugins` tells beside the settings, a line each."""
        return ()

    def content(self) -> Any:
        """What changes the result beside the settings, as plain values: hashes of the user's files, for instance."""
        return None

    def identity(self) -> dict[str, Any]:
        """Everything that changes this plugin's result, as plain values; part of each cache key."""
        keyed = (f.name for f in dataclasses.fields(self) if f.compare)  # type: ignore[arg-type]
        parts: dict[str, Any] = {
            "plugin": f"{self.kind}/{self.name}",
            "version": self.version,
            "settings": {name: _identity(getattr(self, name)) for name in keyed},
        }
        if self.libraries:
            parts["libraries"] = {name: self._version(name) for name in self.libraries}
        source = getattr(inspect.getmodule(type(self)), "__qmv_source__", None)  # a plugin file, by its bytes
        return parts | ({"source": source} if source else {}) | _content(self.content())

    def _version(self, library: str) -> str:
        try:
            return _installed(library)
        except importlib.metadata.PackageNotFoundError as error:
            raise PluginError(
                f"{self.kind} ({self.name}): needs the package {library}, which is not installed; "
                f"install it with: python -m pip install {library}"
            ) from error


@functools.cache
def _installed(library: str) -> str:
    return importlib.metadata.version(library)


def _content(content: Any) -> dict[str, Any]:
    return {} if content is None else {"content": content}


def _identity(value: Any) -> Any:
    if isinstance(value, Plugin):
        return value.identity()
    if isinstance(value, (list, tuple)):
        return [_identity(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _identity(item) for key, item in value.items()}
    return value
