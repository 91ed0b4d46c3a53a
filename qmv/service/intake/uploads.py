"""Takes songs from strangers: written by their content's hash, looked at before anything else reads them.

A name that a client gives never becomes a path, and nothing that a file says of itself is believed where it can be
counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from qmv.engine.no_songs import refuse_other
from qmv.errors import InputError, OutputError, output_error
from qmv.media.audio import READABLE
from qmv.media.legible import legible
from qmv.service.intake.orders import LONGEST_TITLE, checked_session
from qmv.service.intake.song_look import look

if TYPE_CHECKING:
    from qmv.service.settings import ServiceSettings

__all__ = ["TooMuch", "Upload", "folder_of", "received"]

_PIECE_BYTES = 1 << 18
_HEAD_BYTES = 1024
_GRACE_S = 1.0  # encoders add some silence


class TooMuch(InputError):
    """A song that is larger or longer than the operator allows."""

    status = 413  # of the answer over HTTP


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A song as it lies in the session's folder; title and artist are cleaned, the artist may be ''."""

    path: Path
    title: str
    artist: str


def received(stream: IO[bytes], name: str, session: str, settings: ServiceSettings) -> Upload:
    """Reads a song to its end and keeps it; the same bytes are kept once.

    Raises TooMuch or InputError for what is not taken, OutputError where it cannot be written. Blocks, so that a web
    server calls it in a thread.
    """
    folder, called = folder_of(checked_session(session), settings), _name(name)
    where, most_s = f"song ({called})", settings.song_minutes * 60
    with _told(), _part(folder) as part:
        sha256 = _write(stream, part, where, int(settings.upload_mb * 1e6))
        found = look(part, most_s + _GRACE_S, where)
        if found["duration_s"] > most_s + _GRACE_S:
            raise TooMuch(f"{where}: is longer than {settings.song_minutes:g} minutes; cut it, and send it again.")
        path = folder / f"{sha256}{found['suffix']}"
        try:
            os.utime(path)  # what a worker may be reading now stays, and is young again for who clears up
        except FileNotFoundError:
            os.replace(part, path)
    return Upload(path=path, title=_clean(found["title"]) or called, artist=_clean(found["artist"]))


def folder_of(session: str, settings: ServiceSettings) -> Path:
    """Where a session's uploads lie, on all machines the same."""
    return settings.folder / "uploads" / session


def _write(stream: IO[bytes], part: Path, where: str, most_bytes: int) -> str:
    """The hash of what came; the beginning is looked at before the rest is read."""
    digest, size, head, told = hashlib.sha256(), 0, b"", False
    with part.open("xb") as file:
        while piece := stream.read(_PIECE_BYTES):
            size += len(piece)
            if size > most_bytes:
                raise TooMuch(f"{where}: has more than {most_bytes / 1e6:g} MB; send a smaller file, such as an mp3.")
            digest.update(piece)
            file.write(piece)
            head = head if len(head) >= _HEAD_BYTES else head + piece[:_HEAD_BYTES]
            if len(head) >= _HEAD_BYTES and not told:
                refuse_other(where, head, cure=READABLE)
                told = True
    if not size:
        raise InputError(f"{where}: the file is empty; {READABLE}.")
    refuse_other(where, head, cure=READABLE)
    return digest.hexdigest()


@contextlib.contextmanager
def _part(folder: Path) -> Iterator[Path]:
    """A file to write to, which is gone afterwards unless it was given its name."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{secrets.token_hex(8)}.part"
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is None:  # the client's connection
            raise
        sentence = output_error(error, "QMV_SERVICE_OUTPUTS")
        raise sentence or OutputError(f"QMV_SERVICE_OUTPUTS: cannot be written ({error.strerror}).") from error


# -- names -----------------------------------------------------------------------------------------------------------


def _name(name: str) -> str:
    """What a client calls its file, without folders and the suffix."""
    last = re.split(r"[/\\]", name[-1000:])[-1]
    return _clean(re.sub(r"(?<=.)\.[A-Za-z0-9]{1,5}$", "", last)) or "song"


def _clean(text: str) -> str:
    """A title as one line that people can read, and that nothing looks up; '' where it is none."""
    line = legible(text[:1000].encode("utf-8", "replace").decode())
    if "\ufffd" in line:
        return ""
    line = line.replace("${", "$ {")[:LONGEST_TITLE].strip()
    return line if line != "???" else "? ? ?"  # which a config takes for no value
