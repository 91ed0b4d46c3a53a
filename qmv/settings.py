"""Settings of plugins: typed dataclass fields that carry their unit, range and one line of help.

`python -m qmv plugins`, the config schema and the error messages all read the same field.
Imports only `qmv.errors`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any, TypeVar, dataclass_transform

from qmv.errors import UnknownName

__all__ = ["Setting", "check", "described", "plugin", "setting"]

T = TypeVar("T")
_META = "qmv"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is known of one setting besides its name, type and default."""

    help: str
    unit: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()
    knob: str = ""

    @property
    def allowed(self) -> str:
        """The allowed values in words; empty when everything of the type is allowed."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        low = f"above {self.above:.10g}" if self.above is not None else ""
        low = f"at least {self.at_least:.10g}" if self.at_least is not None else low
        high = f"at most {self.at_most:.10g}" if self.at_most is not None else ""
        return " and ".join(part for part in (low, high) if part)


def setting(
    help: str,
    *,
    default: Any = MISSING,
    unit: str = "",
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    choices: Sequence[str] = (),
    keyed: bool = True,
    knob: str = "",
) -> Any:
    """A field with help, unit and range. No default: the config must give it.

    `keyed=False`: does not change the result, so it stays out of the cache key (workers, timeouts, the name of the
    environment variable that holds a key). `knob`: the place in the config whose value it follows, such as 'fps'.
    """
    meta = Setting(
        help=help, unit=unit, at_least=at_least, above=above, at_most=at_most, choices=tuple(choices), knob=knob
    )
    if isinstance(default, (list, dict)):
        make = functools.partial(type(default), default)
        return field(default_factory=make, compare=keyed, hash=False, metadata={_META: meta})
    return field(default=default, compare=keyed, metadata={_META: meta})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting, field))
def plugin(cls: type[T]) -> type[T]:
    """Makes a class a plugin: a frozen, keyword-only dataclass whose fields are its settings."""
    return dataclass(frozen=True, kw_only=True)(cls)


def described(cls: type) -> dict[str, Setting]:
    """The settings of a plugin class by name, in the order in which they are written."""
    return {f.name: f.metadata.get(_META, Setting(help="")) for f in dataclasses.fields(cls)}


def check(instance: Any) -> None:
    """Raises ValueError for the first setting that is out of its range, UnknownName for a wrong choice."""
    for name, meta in described(type(instance)).items():
        value = getattr(instance, name)
        if value is None:
            continue
        if meta.choices and value not in meta.choices:
            raise UnknownName(name, str(value), meta.choices)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        too_low = (meta.at_least is not None and not value >= meta.at_least) or (
            meta.above is not None and not value > meta.above
        )
        if too_low or (meta.at_most is not None and not value <= meta.at_most):
            unit = f" ({meta.unit})" if meta.unit else ""
            raise ValueError(f"{name} must be {meta.allowed}{unit}, got {value:.10g}")
