"""Keeps keys out of what is written down: a value of the environment that is secret by its name is never shown."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from qmv.errors import ConfigError

__all__ = ["HIDDEN", "Redacting", "forget_old_texts", "has_key", "hide", "hide_text", "read_env_file", "redacted"]

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?|CONNECTION_STRING)$", re.IGNORECASE)
_SHORTEST = 6  # a shorter value would hide common words
_SHORTEST_KEY = 8
HIDDEN = "[secret]"
_named: set[str] = set()  # variables that are secret whatever their names look like
_texts: dict[str, _Text] = {}  # secret by themselves, such as the signature of an address; the latest are the last


class _Text(NamedTuple):
    forms: frozenset[str]  # as it may be written
    passing: bool


def hide(name: str) -> None:
    """From now on, the value of this variable of the environment is never shown."""
    _named.add(name)


def hide_text(text: str, *, passing: bool = False) -> None:
    """From now on, this text is never shown; quotes around it are none of it, and may be JSON's.

    A `passing` one comes with a request, and `forget_old_texts` may show it again; the others stay hidden.
    """
    if bare := text.strip('"\\'):
        before = _texts.pop(bare, None)
        _texts[bare] = _Text(_written(bare), passing and (before is None or before.passing))


def forget_old_texts(most: int) -> None:
    """Shows again the passing texts that were hidden before the latest, for a process that hears of new ones for weeks:
    each of them makes `redacted` slower."""
    passing = [text for text, hidden in [*_texts.items()] if hidden.passing]
    for text in passing[: max(0, len(passing) - most)]:
        _texts.pop(text, None)


def has_key(text: str) -> bool:
    """Whether the text holds the value of a variable that a plugin reads its key from."""
    values = (os.environ.get(name, "").strip() for name in _named)
    return any(len(value) >= _SHORTEST_KEY and value in text for value in values)


def redacted(text: str) -> str:
    """The text with each secret of the environment, and each hidden text, blanked out, also as JSON, YAML and addresses
    write it."""
    values = {value.strip() for name, value in _environment() if _is_secret(name) and not _is_path(value)}
    written = {form for value in values if len(value) >= _SHORTEST for form in _written(value)}
    written.update(*(hidden.forms for hidden in [*_texts.values()]))  # a copy: other threads hide more meanwhile
    found = [form for form in written if form in text]
    for form in sorted(found, key=len, reverse=True):  # one may be the beginning of another
        text = text.replace(form, HIDDEN)
    return text


def _written(value: str) -> frozenset[str]:
    """How JSON, addresses and YAML spell it."""
    in_json = json.dumps(value, ensure_ascii=False)[1:-1]
    return frozenset({value, in_json, quote(value, safe=""), value.replace("'", "''")})


def _environment() -> list[tuple[str, str]]:
    """As it is at one moment; another thread may be changing it."""
    while True:
        with contextlib.suppress(KeyError, RuntimeError):
            return [*os.environ.items()]


def _is_secret(name: str) -> bool:
    return name in _named or _SECRET.search(name) is not None


def _is_path(value: str) -> bool:
    """GOOGLE_APPLICATION_CREDENTIALS, say, names a file; its name is no secret. A key may begin with a slash, too."""
    if value.endswith((".json", ".pem", ".key", ".p12")):
        return True
    try:
        return os.sep in value and Path(value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long for a name, a home of nobody's
        return False


class Redacting(logging.Formatter):
    """A formatter for log files; tracebacks are gone over, too."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def read_env_file(folder: Path) -> None:
    """Adds what the folder's .env says to the environment; what is set already stays.

    Raises ConfigError for a file that cannot be read, with the first line that is wrong.
    """
    file = folder / ".env"
    if not file.is_file():
        return
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(f"{file}: cannot be read ({reason}); mend it, or remove it.") from error
    wrong = [line.original.line for line in parse_stream(io.StringIO(text)) if line.error]
    if wrong or "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1 if "\0" in text else wrong[0]
        raise ConfigError(f"{file}, line {line}: cannot be read; lines look like NAME=VALUE.")
    for name, value in dotenv_values(stream=io.StringIO(text)).items():
        if value:  # a line of .env.example that nobody filled in says nothing
            os.environ.setdefault(name, value)
