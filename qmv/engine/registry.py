"""Finds every plugin: the built-ins, installed packages (entry-point group `qmv`) and single files.

A plugin that fails to load is remembered and reported when a config names something that nobody answers to; it never
stops a run that does not need it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from qmv import __version__, hookspecs
from qmv.api import (
    Effect,
    Encoder,
    ImageProvider,
    Motion,
    Observer,
    Plugin,
    Stage,
    Storage,
    Tracker,
    Transition,
    Writer,
)
from qmv.engine import builtins
from qmv.errors import ConfigError, PluginError, UnknownName
from qmv.events import Event

__all__ = ["KINDS", "Broken", "Entry", "Registry"]

log = logging.getLogger("qmv")

# kind -> (base class, hook): the one place where a kind is declared; the kind is also its config group.
KINDS: dict[str, tuple[type[Plugin], str]] = {
    "stage": (Stage, "qmv_stages"),
    "tracker": (Tracker, "qmv_trackers"),
    "writer": (Writer, "qmv_writers"),
    "image": (ImageProvider, "qmv_image_providers"),
    "motion": (Motion, "qmv_motions"),
    "transition": (Transition, "qmv_transitions"),
    "effect": (Effect, "qmv_effects"),
    "encoder": (Encoder, "qmv_encoders"),
    "storage": (Storage, "qmv_storages"),
    "observer": (Observer, "qmv_observers"),
}


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
            self.broken.append(Broken(package=package, reason=_reason(error)))

    def _load_file(self, file: str) -> None:
        module = load_file(file)
        if self._manager.is_registered(module):
            raise PluginError(f"plugins ({file}): is named twice, or is a copy of another one; name it once.")
        try:
            self._add(module, file if self._manager.has_plugin(Path(file).name) else Path(file).name, "")
        except _NameTaken:
            raise
        except Exception as error:
            raise PluginError(f"plugins ({file}): {_reason(error)}; mend it.") from error

    def _add(self, plugin: object, package: str, version: str) -> None:
        """Registers a module's hooks and takes the classes that they return, or leaves nothing of it behind."""
        self._manager.register(plugin, name=package)
        try:
            self._manager.check_pending()
            found = [(kind, cls) for kind, (_, hook) in KINDS.items() for cls in self._call(plugin, hook)]
            paths = self._call(plugin, "qmv_config_paths")
            for kind, cls in found:
                _check_class(kind, cls)
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


def _check_class(kind: str, cls: Any) -> None:
    base: Any = KINDS[kind][0]
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise PluginError(f"{cls!r} is no {base.__name__}; return subclasses of qmv.api.{base.__name__}")
    if not isinstance(getattr(cls, "name", None), str) or not is_dataclass(cls):
        raise PluginError(f"{cls.__name__} wants a `name` and the @plugin decorator above its class line")
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise PluginError(f"{cls.__name__} lacks {missing}; a {kind} has to define it")
    if issubclass(cls, Stage):
        try:
            cls.inputs()
        except NameError as error:
            raise PluginError(f"stage '{cls.name}' has an annotation that is not known: {error}") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, pluggy.PluginValidationError) and (match := re.search(r"unknown hook '(\w+)'", str(error))):
        known = [name for name in vars(hookspecs) if name.startswith("qmv_")]
        return str(UnknownName("hook", match[1], known)).rstrip(".")
    text = " ".join(str(error).split()).rstrip(".")
    return text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}"


def load_file(file: str) -> ModuleType:
    """The module of a plugin file, under a name that is the same in each process, so that its values can be pickled."""
    path = Path(file)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"plugins ({file}): cannot be read ({error.strerror}); name a Python file.") from error
    sha256 = hashlib.sha256(source).hexdigest()
    name = f"qmv_file_{path.stem}_{sha256[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ConfigError(f"plugins ({file}): is no Python file; name a file that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__qmv_source__"] = sha256
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"plugins ({file}): failed to import ({_reason(error)}); mend it.") from error
    return module
