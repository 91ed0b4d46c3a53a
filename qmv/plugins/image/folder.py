"""The user's own pictures, in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from qmv.api import ImageProvider, ImageRequest, plugin, setting
from qmv.artifacts import File
from qmv.errors import InputError
from qmv.media.picture import PICTURE_SUFFIXES
from qmv.media.picture import read as read_picture

__all__ = ["Folder"]

T = TypeVar("T")

# what lies beside pictures and is none: texts, and what cameras and systems put there
_BESIDE = (
    "", ".aae", ".csv", ".db", ".html", ".ini", ".json", ".log", ".md", ".pdf", ".rtf", ".thm", ".toml", ".txt", ".url",
    ".xml", ".xmp", ".yaml", ".yml",
)  # fmt: skip
_NAMED = 3  # of what is left out
_KINDS = ", ".join(suffix[1:] for suffix in PICTURE_SUFFIXES)


@plugin
class Folder(ImageProvider):
    """Pictures from a folder, cropped to the format; they start again where there are fewer than shots."""

    name = "folder"
    libraries = ("pillow",)
    path: str = setting("the folder with the pictures (png, jpg, webp, bmp, tif, gif)", keyed=False)

    def ready(self) -> None:
        self._files()

    def content(self) -> list[str]:
        return [_reading(file, lambda path: File.of(path).sha256) for file in self._files()]

    def request_identity(self, request: ImageRequest) -> dict[str, Any]:
        return {"picture": request.index % len(self._files())}

    def render(self, request: ImageRequest) -> bytes:
        files = self._files()
        file = files[request.index % len(files)]
        data = _reading(file, Path.read_bytes)
        read_picture(data, f"image (folder): {file}")  # names the file where it is broken
        return data

    def notes(self) -> list[str]:
        """Says what is left out: nobody should look for it in the video."""
        folder = Path(self.path).expanduser()
        return [
            f"image (folder): {folder} holds {files}; {_KINDS} can: save them as one of these"
            for files in self._left_out(folder)
        ]

    def _left_out(self, folder: Path) -> list[str]:
        names = sorted(file.name for file in _reading(folder, lambda path: list(path.iterdir())) if _is_other(file))
        if not names:
            return []
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        count = f"{len(names)} {'file' if len(names) == 1 else 'files'}"
        return [f"{count} that cannot be used ({', '.join(names[:_NAMED])}{more})"]

    def _files(self) -> list[Path]:
        folder = Path(self.path).expanduser()
        if not self.path.strip() or not folder.is_dir():
            wrong = f"{folder} is a file and no folder" if folder.is_file() else f"there is no folder {folder}"
            wrong = wrong if self.path.strip() else "path is empty"
            ways = "image.path=FOLDER, or fallback.path=FOLDER where it is the fallback"
            raise InputError(f"image (folder): {wrong}; name one with {ways}.")
        found = [file for file in _reading(folder, lambda path: list(path.iterdir())) if _is_picture(file)]
        if not found:
            others = "".join(f", but {note}" for note in self._left_out(folder)[:1])
            raise InputError(f"image (folder): {folder} holds no pictures{others}; put some in ({_KINDS}).")
        return sorted(found, key=_natural)


def _reading(path: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(path)
    except OSError as error:
        raise InputError(f"image (folder): {path} cannot be read ({error.strerror}); mend or remove it.") from error


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in PICTURE_SUFFIXES and file.is_file() and not file.name.startswith(".")


def _is_other(file: Path) -> bool:
    """Whether somebody may have meant it as a picture."""
    known = file.suffix.lower() in (*PICTURE_SUFFIXES, *_BESIDE)
    return not known and file.is_file() and not file.name.startswith(".")


def _natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorts 'img2' before 'img10'."""
    parts = re.split(r"(\d+)", file.name.lower(), flags=re.ASCII)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], file.name
