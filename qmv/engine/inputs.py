"""The roots of the graph: the song and the style, as artifacts with keys."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from qmv.artifacts import Artifact, File, Song, Style
from qmv.engine.cache import Cache, digest
from qmv.engine.config.schema import SongSettings
from qmv.engine.remote_songs import RemoteSong
from qmv.engine.song_addresses import is_remote, local, title_of
from qmv.engine.song_checks import check_against, hints, lyrics, needs_length
from qmv.engine.songs import DEMO
from qmv.media.audio import inspect, no_sound, sample_count
from qmv.media.legible import legible

__all__ = ["open_song", "root_keys"]

log = logging.getLogger("qmv")


def open_song(settings: SongSettings, cache: Cache, tell: Callable[[str], None] = log.warning) -> Song:
    """The song with its hash; title and artist come from the settings, else from the file's tags, else its name.

    One that lies elsewhere is fetched; `tell` gets what the user should know of that. Raises InputError for a file that
    is missing or has no sound, for beats or lyrics that cannot be used, and for what lies outside of the song.
    """
    path, name = _found(settings, cache, tell)
    info = inspect(path)  # what is wrong is told with the path as it was written
    path = path.absolute()
    song = Song(
        file=File.of(path),
        title=_readable(settings.title) or _readable(info.title) or _readable(name) or "song",
        artist=_readable(settings.artist if settings.artist is not None else info.artist),
        start_s=settings.start_s,
        end_s=settings.end_s,
        hints=hints(settings),
        lyrics=lyrics(settings, path),
    )
    if needs_length(settings):
        check_against(song, settings.window, _length_s(song, cache))
    return song


def _found(settings: SongSettings, cache: Cache, tell: Callable[[str], None]) -> tuple[Path, str]:
    """The song's file on this machine, and its name."""
    if settings.path == DEMO:
        return demo_song(cache), DEMO
    if is_remote(settings.path):
        remote = RemoteSong(
            address=settings.path, most_mb=settings.most_mb, most_minutes=settings.most_minutes,
            public_only=settings.public_only, cache=cache, tell=tell,
        )  # fmt: skip
        return remote.file(), title_of(settings.path)
    path = Path(local(settings.path)).expanduser()
    return path, path.stem


def _length_s(song: Song, cache: Cache) -> Fraction:
    """How long the file is, to the sample; counted once, since what a file says of itself is a guess for some."""
    whole = dataclasses.replace(song, start_s=0.0, end_s=None)

    def count(part: Path) -> None:
        samples, duration_s = sample_count(whole)
        if not samples:
            raise no_sound(whole)
        (part / "seconds").write_text(str(duration_s), encoding="utf-8")

    folder, _ = cache.once("lengths", digest({"song": song.file.sha256}), count)
    return Fraction((folder / "seconds").read_text(encoding="utf-8"))


def _readable(text: str | None) -> str:
    """A name in one line; nothing where it holds what no one could decode."""
    return "" if text is None or "\ufffd" in text else legible(text.encode("utf-8", "replace").decode())


def demo_song(cache: Cache) -> Path:
    """The project's own song, composed at first use."""
    import qmv.demo.song as demo

    score = [File.of(file).sha256 for file in sorted(Path(demo.__file__).parent.glob("*.py"))]
    folder, _ = cache.once("songs", digest({"demo": score}), lambda part: demo.write(part / "demo.flac"))
    return folder / "demo.flac"


def root_keys(song: Song, style: Style) -> dict[str, tuple[type[Artifact], str]]:
    """Type and key of what the graph starts from; files count by their bytes, not their paths."""
    told = song.hints.beats_file.sha256 if song.hints.beats_file else None
    heard = {
        **dataclasses.asdict(song),
        "file": song.file.sha256,
        "hints": {**dataclasses.asdict(song.hints), "beats_file": told},
    }
    return {"song": (Song, digest(heard)), "style": (Style, digest(dataclasses.asdict(style)))}
