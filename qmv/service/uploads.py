"""Takes songs from strangers: written by their content's hash, looked at before anything else reads them.

A name that a client gives never becomes a path, and nothing of a file is believed that can be counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from qmv.errors import InputError

if TYPE_CHECKING:
    from qmv.service.settings import ServiceSettings

__all__ = ["TooMuch", "Upload", "folder_of", "forgotten", "received"]


class TooMuch(InputError):
    """A song that is larger or longer than the operator allows."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A song as it lies in the session's folder; title and artist are cleaned, the artist may be ''."""

    path: Path
    title: str
    artist: str
    sha256: str
    size_bytes: int
    duration_s: float


def received(stream: IO[bytes], name: str, session: str, settings: ServiceSettings) -> Upload:
    """Reads a song to its end and keeps it; the same bytes are kept once.

    Raises TooMuch or InputError for what is not taken, OutputError where it cannot be written. Blocks, so that a web
    server calls it in a thread.
    """
    raise NotImplementedError


def folder_of(session: str, settings: ServiceSettings) -> Path:
    """Where a session's uploads lie."""
    return settings.folder / "uploads" / session


def forgotten(session: str, settings: ServiceSettings) -> None:
    """Removes a session's uploads."""
    raise NotImplementedError
