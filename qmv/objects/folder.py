"""A folder of this machine, or of its network, as a place that keeps files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qmv.artifacts import File
from qmv.errors import OutputError, output_error
from qmv.objects.store import ObjectStore, Standing, Taken, Upload

__all__ = ["FolderStore"]


@dataclass(frozen=True, kw_only=True)
class FolderStore(ObjectStore):
    """Files appear by a rename: whole or not at all. `link`: as hard links where the file system allows."""

    folder: Path
    link: bool = True

    def try_out(self) -> None:
        """Raises OutputError where no file can be made in the folder; makes it where it is missing."""
        folder = self.folder.expanduser().resolve()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise self._refusal(error, folder) from error

    def look(self, key: str) -> Standing | None:
        path = self.path(key)
        try:
            about = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refusal(error, path) from error
        if path.is_dir():
            raise OutputError(f"{self.where}: {path} is a folder; use another key.")
        return Standing(key=key, size_bytes=about.st_size, version=f"{about.st_ino}-{about.st_mtime_ns}")

    def holds(self, standing: Standing, file: File) -> bool:
        return standing.size_bytes == file.size_bytes and File.of(self.path(standing.key)).sha256 == file.sha256

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        target = self.path(upload.key)
        part = target.with_name(f"{_begin_of_parts(target)}{os.getpid()}-{threading.get_ident()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _sweep(target)
            self._bring(upload.file.path, part)
            if File.of(part).sha256 != upload.file.sha256:
                raise OutputError(f"{self.where}: {upload.file.path} has changed since it was made; make it again.")
            if replaces is None:
                _place_new(part, target)
            elif (now := self.look(upload.key)) is not None and now.version != replaces.version:
                raise Taken(upload.key)
            else:
                os.replace(part, target)
        except FileExistsError as error:
            if target.exists():
                raise Taken(upload.key) from error
            raise self._refusal(error, target) from error
        except OSError as error:
            raise self._refusal(error, target) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        progress(upload.file.size_bytes)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        standing = self.to_fetch(key, most_bytes)
        try:
            shutil.copyfile(self.path(key), target)
        except OSError as error:
            raise self._refusal(error, self.path(key)) from error
        return standing

    def withdraw(self, standing: Standing) -> None:
        now = self.look(standing.key)
        if now is not None and now.version == standing.version:
            with contextlib.suppress(FileNotFoundError):
                self.path(standing.key).unlink()

    def address(self, key: str) -> str:
        return str(self.path(key))

    def path(self, key: str) -> Path:
        """Where the key's file lies; raises OutputError for one outside of the folder."""
        folder = self.folder.expanduser().resolve()
        try:
            path = (folder / key).resolve()
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.where}: the key '{key}' is no file name ({error}).") from error
        if not path.is_relative_to(folder):
            raise OutputError(f"{self.where}: the key '{key}' leads out of {folder}; use a relative one without '..'.")
        return path

    def _bring(self, source: Path, part: Path) -> None:
        part.unlink(missing_ok=True)
        if self.link:
            with contextlib.suppress(OSError):
                os.link(source, part)
                return
        shutil.copyfile(source, part)
        with part.open("rb+") as stream:  # a copy that stands under its name must survive a power cut
            os.fsync(stream.fileno())

    def _refusal(self, error: OSError, path: Path) -> OutputError:
        option = self.where if "." in self.where else "storage.path"
        found = output_error(OSError(error.errno, error.strerror, str(path)), option) if error.errno else None
        return found or OutputError(f"{self.where}: {path} cannot be written ({error}); set another {option}.")


def _place_new(part: Path, target: Path) -> None:
    """Gives the part its name; raises FileExistsError where the name is taken, in one step with looking."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: the look and the rename are two steps there
        if target.exists():
            raise FileExistsError(str(target)) from None
        os.replace(part, target)


def _begin_of_parts(target: Path) -> str:
    """Of names that no file system finds too long, for this file and this machine."""
    told = f"{socket.gethostname()}/{target.name}".encode("utf-8", "surrogateescape")
    return f".{hashlib.sha256(told).hexdigest()[:16]}."


def _sweep(target: Path) -> None:
    """Takes away what senders of this file on this machine left behind when they were killed."""
    begin = _begin_of_parts(target)
    for part in target.parent.glob(f"{begin}*.part"):
        owner = part.name.removeprefix(begin).partition("-")[0]
        if owner.isdecimal() and not _lives(int(owner)):
            part.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
