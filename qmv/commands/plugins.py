"""`python -m qmv plugins` lists every plugin with its settings, units and package."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

__all__ = ["add"]


def add(commands: Any) -> None:
    parser = commands.add_parser("plugins", help="list every plugin with its settings, units and package")
    parser.add_argument("kind", nargs="?", help="one kind only: image, tracker, ...")
    parser.add_argument("--file", action="append", default=[], help="a plugin file to list too; may be repeated")
    parser.set_defaults(command=_list_plugins)


def _list_plugins(given: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.markup import escape

    from qmv.engine.kinds import KINDS
    from qmv.engine.registry import Registry
    from qmv.errors import UnknownName

    registry = Registry(given.file)
    if given.kind is not None and given.kind not in KINDS:
        raise UnknownName("kind", given.kind, KINDS)
    console = Console(highlight=False)
    heading = None
    for found, entry in registry.entries():
        if given.kind not in (None, found):
            continue
        if heading != found:
            console.print(f"\n[bold]{found}[/bold]" if heading else f"[bold]{found}[/bold]")
            heading = found
        summary = (entry.cls.__doc__ or "").strip().splitlines()[0]
        package = f"{entry.package} {entry.package_version}".strip()
        console.print(f"  [cyan]{entry.cls.name}[/cyan]  {escape(summary)}  [dim]({package})[/dim]")
        for line in (*_settings(entry.cls), *entry.cls.about()):
            console.print(f"      {line}", markup=False)
    for broken in registry.broken:
        console.print(f"\n[red]{broken.package}[/red] failed to load: ", end="")
        console.print(broken.reason, markup=False)


def _settings(cls: Any) -> list[str]:
    """'duration_s=0.5 s: length (at least 0 and at most 10)' for each setting; plugins it holds by their kind."""
    from qmv.engine.config.options import plugin_fields
    from qmv.settings import described

    parts, lines = plugin_fields(cls), []
    for field in dataclasses.fields(cls):
        meta = described(cls)[field.name]
        if field.name in parts:
            kind, many = parts[field.name]
            lines.append(f"{field.name}: " + (f"any number of {kind} plugins" if many else f"one {kind} plugin"))
            continue
        default = "" if field.default is dataclasses.MISSING else f"={field.default!r}"
        if field.default_factory is not dataclasses.MISSING:
            default = f"={field.default_factory()!r}"
        unit = f" {meta.unit}" if meta.unit else ""
        notes = [meta.allowed, f"follows {meta.knob}" if meta.knob else "", "" if default else "required"]
        allowed = "; ".join(note for note in notes if note)
        lines.append(f"{field.name}{default}{unit}: {meta.help}" + (f" ({allowed})" if allowed else ""))
    return lines
