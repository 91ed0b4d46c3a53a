"""Finds every plugin: the built-ins, installed packages (entry-point group `qmv`) and single files.

A plugin that fails to load is remembered and reported when a config names something that nobody answers to; it never
stops a run that does not need it.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from qmv import __version__, hookspecs
from qmv.api import Plugin
from qmv.engine import builtins
from qmv.engine.kinds import KINDS, check_class
from qmv.engine.plugin_files import load_file, reason
from qmv.errors import ConfigError, PluginError, UnknownName
from qmv.events import Event

__all__ = ["Broken", "Entry", "Registry"]

log = logging.getLogger("qmv")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A plugin class and the package that it came with."""

    cls: type[Plugin]
    package: str
    package_version: str


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A plugin package or file that could not be used."""

    package: str
    reason: str


class Registry:
    """The plugins of this process. `files` are plugins without packaging."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        self.files = tuple(files)
        self.broken: list[Broken] = []
        self.config_paths: list[str] = []
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._manager = pluggy.PluginManager("qmv")
        self._manager.add_hookspecs(hookspecs)
        disabled = [name.strip() for name in os.environ.get("QMV_DISABLE_PLUGINS", "").split(",")]
        self._add(builtins, "qmv", __version__)
        for point in sorted(importlib.metadata.entry_points(group="qmv"), key=lambda p: p.name):
            if point.name not in disabled:
                self._load_entry_point(point)
        for file in self.files:
            self._load_file(file)

    # -- look-up -----------------------------------------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        return sorted(self._entries[kind])

    def entries(self) -> Iterable[tuple[str, Entry]]:
        """Every plugin with its kind, in the order of KINDS and names."""
        return ((kind, self._entries[kind][name]) for kind in KINDS for name in self.names(kind))

    def get(self, kind: str, name: str) -> Entry:
        """Raises UnknownName with the known names, the closest one, and the plugins that failed to load."""
        entry = self._entries[kind].get(name)
        if entry is not None:
            return entry
        error = UnknownName(kind, name, self.names(kind))
        raise ConfigError(f"{error}{self.broken_hint()}") if self.broken else error

    def broken_hint(self) -> str:
        """A sentence on plugins that failed to load; empty where there are none."""
        return "".join(f" Plugin '{b.package}' failed to load and may hold it: {b.reason}." for b in self.broken)

    # -- events ------------------------------------------------------------------------------------------------------

    def observe(self, observer: object) -> None:
        """Adds an object with a `qmv_event` hook for the rest of this process."""
        self._manager.register(observer)

    def forget(self, observer: object) -> None:
        self._manager.unregister(observer)

    def publish(self, event: Event) -> None:
        """Hands an event to each observer; one that raises is logged and the next one still sees it."""
        for hook in reversed(self._manager.hook.qmv_event.get_hookimpls()):
            try:
                hook.function(event)
            except (Exception, SystemExit):
                log.warning("observer %s failed on %s", hook.plugin_name, type(event).__name__, exc_info=True)

    # -- loading -----------------------------------------------------------------------------------------------------

    def _load_entry_point(self, point: importlib.metadata.EntryPoint) -> None:
        version = point.dist.version if point.dist else ""
        package = point.dist.name if point.dist else point.name
        try:
            self._add(point.load(), package, version)
        except _NameTaken:
            raise
        except (Exception, SystemExit) as error:
            log.debug("plugin %s failed to load", package, exc_info=True)
            self.broken.append(Broken(package=package, reason=reason(error)))

    def _load_file(self, file: str) -> None:
        module = load_file(file)
        if self._manager.is_registered(module):
            raise PluginError(f"plugins ({file}): is named twice, or is a copy of another one; name it once.")
        try:
            self._add(module, file if self._manager.has_plugin(Path(file).name) else Path(file).name, "")
        except _NameTaken:
            raise
        except Exception as error:
            raise PluginError(f"plugins ({file}): {reason(error)}; mend it.") from error

    def _add(self, plugin: object, package: str, version: str) -> None:
        """Registers a module's hooks and takes the classes that they return, or leaves nothing of it behind."""
        self._manager.register(plugin, name=package)
        try:
            self._manager.check_pending()
            found = [(kind, cls) for kind, (_, hook) in KINDS.items() for cls in self._call(plugin, hook)]
            paths = self._call(plugin, "qmv_config_paths")
            for kind, cls in found:
                check_class(kind, cls)
            for kind, cls in found:
                self._take(kind, Entry(cls=cls, package=package, package_version=version))
        except (Exception, SystemExit):
            self._manager.unregister(plugin)
            raise
        self.config_paths += paths

    def _call(self, plugin: object, hook: str) -> list[Any]:
        impls = getattr(self._manager.hook, hook).get_hookimpls()
        found: list[Any] = []
        for impl in impls:
            if impl.plugin is plugin:
                given = impl.function()
                if not isinstance(given, (list, tuple)):
                    raise PluginError(f"{hook}() must return a list, got {given!r}")
                found += given
        return found

    def _take(self, kind: str, entry: Entry) -> None:
        taken = self._entries[kind].get(entry.cls.name)
        if taken is not None:
            raise _NameTaken(
                f"{kind}: two plugins are called '{entry.cls.name}', one from {taken.package} and one from "
                f"{entry.package}; rename one, or leave one out (a package by QMV_DISABLE_PLUGINS=<entry point>)."
            )
        self._entries[kind][entry.cls.name] = entry


class _NameTaken(PluginError):
    """Two plugins of one name: never guessed between, so it is always fatal."""
