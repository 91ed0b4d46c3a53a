"""Keeps keys out of what is written down: a value of the environment that is secret by its name is never shown."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

__all__ = ["Redacting", "read_env_file", "redacted"]

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_SHORTEST = 6  # a shorter value would hide common words
_HIDDEN = "[secret]"


def redacted(text: str) -> str:
    """The text with each secret of the environment blanked out."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value in text and _SECRET.search(name) and not _is_path(value):
            text = text.replace(value, _HIDDEN)
    return text


def _is_path(value: str) -> bool:
    """GOOGLE_APPLICATION_CREDENTIALS, say, names a file; its name is no secret."""
    return value.startswith(("/", "~", "./")) or value[1:3] == ":\\"


class Redacting(logging.Formatter):
    """A formatter for log files; tracebacks are gone over, too."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def read_env_file(folder: Path) -> None:
    """Adds what the folder's .env says to the environment; what is set already stays."""
    file = folder / ".env"
    if file.is_file():
        from dotenv import load_dotenv

        load_dotenv(file, override=False)
