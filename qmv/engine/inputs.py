"""The roots of the graph: the song and the style, as artifacts with keys."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from qmv.artifacts import Artifact, File, Song, Style
from qmv.engine.cache import Cache, digest
from qmv.engine.config import SongSettings
from qmv.engine.songs import DEMO
from qmv.media.audio import inspect

__all__ = ["open_song", "root_keys"]


def open_song(settings: SongSettings, cache: Cache) -> Song:
    """The song with its hash; title and artist come from the settings, else from the file's tags, else its name.

    Raises InputError for a file that is missing or has no sound.
    """
    path = demo_song(cache) if settings.path == DEMO else Path(settings.path).expanduser().absolute()
    info = inspect(path)
    return Song(
        file=File.of(path),
        title=_readable(settings.title) or _readable(info.title) or _readable(path.stem) or "song",
        artist=_readable(settings.artist if settings.artist is not None else info.artist),
        start_s=settings.start_s,
        end_s=settings.end_s,
    )


def _readable(text: str | None) -> str:
    """A name without control characters; nothing where it holds what no one could decode."""
    whole = "" if text is None or "\ufffd" in text else text.encode("utf-8", "replace").decode()
    return " ".join("".join(sign if sign.isprintable() else " " for sign in whole).split())


def demo_song(cache: Cache) -> Path:
    """The project's own song, composed at first use."""
    import qmv.demo.song as demo

    score = [File.of(file).sha256 for file in sorted(Path(demo.__file__).parent.glob("*.py"))]
    folder, _ = cache.once("songs", digest({"demo": score}), lambda part: demo.write(part / "demo.flac"))
    return folder / "demo.flac"


def root_keys(song: Song, style: Style) -> dict[str, tuple[type[Artifact], str]]:
    """Type and key of what the graph starts from; the song counts by its bytes, window and names, not its path."""
    heard = {**dataclasses.asdict(song), "file": song.file.sha256}
    return {"song": (Song, digest(heard)), "style": (Style, digest(dataclasses.asdict(style)))}
