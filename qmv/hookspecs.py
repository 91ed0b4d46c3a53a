"""The hooks that a plugin package can implement: one a kind, one for events, one for folders of presets.

    from qmv.hookspecs import hookimpl

    @hookimpl
    def qmv_image_providers():
        return [Solid]

A package is found by its entry point in the group `qmv`; a single file by `plugins=[path/to/file.py]`.
"""

from __future__ import annotations

import pluggy

from qmv.api import Effect, Encoder, ImageProvider, Motion, Observer, Stage, Storage, Tracker, Transition, Writer
from qmv.events import Event

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("qmv")
hookimpl = pluggy.HookimplMarker("qmv")


@hookspec
def qmv_stages() -> list[type[Stage]]:  # type: ignore[empty-body]
    """Stage classes."""


@hookspec
def qmv_trackers() -> list[type[Tracker]]:  # type: ignore[empty-body]
    """Beat tracker classes."""


@hookspec
def qmv_writers() -> list[type[Writer]]:  # type: ignore[empty-body]
    """Prompt writer classes."""


@hookspec
def qmv_image_providers() -> list[type[ImageProvider]]:  # type: ignore[empty-body]
    """Image provider classes."""


@hookspec
def qmv_motions() -> list[type[Motion]]:  # type: ignore[empty-body]
    """Motion classes."""


@hookspec
def qmv_transitions() -> list[type[Transition]]:  # type: ignore[empty-body]
    """Transition classes."""


@hookspec
def qmv_effects() -> list[type[Effect]]:  # type: ignore[empty-body]
    """Effect classes."""


@hookspec
def qmv_encoders() -> list[type[Encoder]]:  # type: ignore[empty-body]
    """Encoder classes."""


@hookspec
def qmv_storages() -> list[type[Storage]]:  # type: ignore[empty-body]
    """Storage classes."""


@hookspec
def qmv_observers() -> list[type[Observer]]:  # type: ignore[empty-body]
    """Observer classes."""


@hookspec
def qmv_config_paths() -> list[str]:  # type: ignore[empty-body]
    """Folders of presets for Hydra's search path, such as 'pkg://my_package.conf'."""


@hookspec
def qmv_event(event: Event) -> None:
    """Sees every event of every run, as it happens and with what is secret in it, so it must be quick; what it raises
    is logged and never stops the run. What may take its time, or be chosen by a config, is an Observer."""
