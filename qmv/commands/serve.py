"""`python -m qmv serve` runs the service: the web, and its workers where there is no Redis."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmv.settings import Setting

__all__ = ["add"]

_ABOUT = """\
Runs QMV as a service for applications: sessions hand over songs, and ask how far their videos are.

    qmv serve
    qmv serve --workers 2 --outputs /srv/qmv quality=high
    qmv serve --images runware,canvas --budget-usd 2 image.concurrency=8

Each flag is also a variable of the environment, QMV_SERVICE_<NAME>, and stands before it. With REDIS_URL the queue is
in Redis, and workers are started apart, on as many machines as you like: celery -A qmv.service.worker worker.
"""


def add(commands: Any) -> None:
    from qmv.service.settings import ServiceSettings
    from qmv.settings import described

    parser = commands.add_parser(
        "serve", help="make videos for applications, over HTTP", description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings of run.py for every video")
    for field in dataclasses.fields(ServiceSettings):
        if field.name != "overrides":
            _add_flag(parser, field.name, str(field.type), _help(field, described(ServiceSettings)[field.name]))
    parser.set_defaults(command=_serve, rest=[])  # argparse takes words only once, before flags or after them


def _help(field: dataclasses.Field[Any], meta: Setting) -> str:
    value: Any = field.default
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, float):
        value = f"{value:g}"
    elif isinstance(value, tuple):
        value = " ".join(value)
    told = "none" if value in (None, "") else value
    return f"{meta.help} ({f'{meta.unit}; ' if meta.unit else ''}default: {told})"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add_flag(parser: argparse.ArgumentParser, name: str, kind: str, help: str) -> None:
    flag, more = _flag(name), dict[str, Any](default=None, help=help.replace("%", "%%"), dest=name)
    if kind == "bool":
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, **more)
    elif kind.startswith("tuple"):
        words = "NAME=A,B" if name == "offered" else "A,B"
        parser.add_argument(flag, action="append", metavar=words, **more)
    else:
        number = int if kind == "int" else float if "float" in kind else str
        parser.add_argument(flag, type=number, metavar=name.upper(), **more)


def _serve(given: argparse.Namespace) -> None:
    from qmv.engine.hiding import hide_addresses
    from qmv.engine.secrets import read_env_file
    from qmv.errors import ConfigError
    from qmv.service.logs import log_to_stderr
    from qmv.service.settings import ServiceSettings

    read_env_file(Path.cwd())
    words = [*given.settings, *given.rest]
    hide_addresses(words)
    settings = ServiceSettings.read()
    told = {field.name: getattr(given, field.name, None) for field in dataclasses.fields(settings)}
    flags: dict[str, Any] = {name: _joined(name, value) for name, value in told.items() if value is not None}
    flags["overrides"] = (*settings.overrides, *_checked(words, told))
    try:
        settings = dataclasses.replace(settings, **flags)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"serve: {error}.") from error
    log_to_stderr("serve")

    from qmv.service.serve import serve

    serve(settings)


def _checked(words: Sequence[str], fields: Iterable[str]) -> Sequence[str]:
    from qmv.errors import ConfigError, UnknownName

    for flag in (word.partition("=")[0] for word in words if word.startswith("-")):
        raise UnknownName("serve", flag, [_flag(name) for name in fields if name != "overrides"])
    for word in words:
        key, sign, _ = word.partition("=")
        if not key.strip("+ ") or not (sign or word.startswith("~")):
            raise ConfigError(f"serve: settings look like KEY=VALUE, got '{word}'; flags begin with two dashes.")
    return words


def _joined(name: str, value: Any) -> Any:
    """A flag that was given several times, or with several words, as the one list that it stands for."""
    from qmv.errors import ConfigError
    from qmv.service.settings import words_of

    if not isinstance(value, list):
        return value
    try:
        return tuple(word for text in value for word in words_of(name, text))
    except ValueError as error:
        raise ConfigError(f"serve: {_flag(name)} has a quote that is not closed, got '{' '.join(value)}'.") from error
