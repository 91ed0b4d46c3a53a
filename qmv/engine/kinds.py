"""The kinds of plugins, and what a class has to be to be one of a kind."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from typing import Any

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
from qmv.errors import PluginError

__all__ = ["KINDS", "check_class"]

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


def check_class(kind: str, cls: Any) -> None:
    """Raises PluginError with what a class lacks."""
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
