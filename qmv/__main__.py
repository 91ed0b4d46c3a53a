"""The small commands: `python -m qmv plugins` lists every plugin with its settings, units and package."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import Any

from qmv import __version__
from qmv.errors import QmvError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; 1 for a user's mistake."""
    parser = argparse.ArgumentParser(prog="qmv", description="Quick Music Video. Videos are made by run.py.")
    parser.add_argument("--version", action="version", version=f"qmv {__version__}")
    commands = parser.add_subparsers(dest="command")
    plugins = commands.add_parser("plugins", help="list every plugin with its settings, units and package")
    plugins.add_argument("kind", nargs="?", help="one kind only: image, tracker, ...")
    plugins.add_argument("--file", action="append", default=[], help="a plugin file to list too; may be repeated")
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    try:
        _list_plugins(given.kind, given.file)
    except QmvError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the list has seen enough
        sys.stderr.close()
    return 0


def _list_plugins(kind: str | None, files: list[str]) -> None:
    from rich.console import Console

    from qmv.engine.registry import KINDS, Registry
    from qmv.errors import UnknownName

    registry = Registry(files)
    if kind is not None and kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    console = Console(highlight=False)
    heading = None
    for found, entry in registry.entries():
        if kind not in (None, found):
            continue
        if heading != found:
            console.print(f"\n[bold]{found}[/bold]" if heading else f"[bold]{found}[/bold]")
            heading = found
        summary = (entry.cls.__doc__ or "").strip().splitlines()[0]
        package = f"{entry.package} {entry.package_version}".strip()
        console.print(f"  [cyan]{entry.cls.name}[/cyan]  {summary}  [dim]({package})[/dim]")
        for line in _settings(entry.cls):
            console.print(f"      {line}", markup=False)
    for broken in registry.broken:
        console.print(f"\n[red]{broken.package}[/red] failed to load: ", end="")
        console.print(broken.reason, markup=False)


def _settings(cls: Any) -> list[str]:
    """'duration_s=0.5 s: length (at least 0 and at most 10)' for each setting; plugins it holds by their kind."""
    from qmv.engine.config import plugin_fields
    from qmv.settings import described

    parts, lines = plugin_fields(cls), []
    for field in dataclasses.fields(cls):
        meta = described(cls)[field.name]
        if field.name in parts:
            kind, many = parts[field.name]
            lines.append(f"{field.name}: " + (f"any number of {kind} plugins" if many else f"one {kind} plugin"))
            continue
        default = "" if field.default is dataclasses.MISSING else f"={field.default!r}"
        unit = f" {meta.unit}" if meta.unit else ""
        notes = [meta.allowed, f"follows {meta.knob}" if meta.knob else "", "" if default else "required"]
        allowed = "; ".join(note for note in notes if note)
        lines.append(f"{field.name}{default}{unit}: {meta.help}" + (f" ({allowed})" if allowed else ""))
    return lines


if __name__ == "__main__":
    sys.exit(main())
