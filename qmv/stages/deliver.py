"""Hands the finished video, and what belongs beside it, to the storage."""

from __future__ import annotations

import dataclasses
import json
import re
import string
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from qmv.api import Cache, Context, Stage, Storage, Stored, Upload, plugin, setting
from qmv.artifacts import Beats, Delivery, File, Pictures, Song, Storyboard, Style, SyncProof, Video
from qmv.companions.page import page
from qmv.companions.sidecar import metadata, sidecar
from qmv.companions.thumbnail import moment, thumbnail
from qmv.errors import PluginError
from qmv.handoff.captions import srt, vtt
from qmv.objects.delivery import content_type

__all__ = ["Deliver"]

_FIELDS = ("artist", "hash", "n", "name", "run", "session", "song", "style", "title")
_OF_SESSION = "videos/{session}/video_{n}.mp4"
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


@plugin
class Deliver(Stage):
    """Stores the video under a key, then its thumbnail, captions, page and, last of all, its sidecar beside it."""

    name = "deliver"
    cached = False
    after = ("proof", "handoff")  # what is not in sync is not delivered
    storage: Storage
    key: str | None = setting(
        "where in the storage, such as 'films/{style}/{name}.mp4'; null: videos/{session}/video_{n}.mp4 with a "
        "session, else the storage's own", default=None,
    )  # fmt: skip
    session: str = setting("whose videos these are, for the key", default="", knob="session")
    n: int | None = setting("the number of the video in its session; null: of the job", default=None, knob="n")
    licence: str = setting("what others may do with the video, for the sidecar", default="", knob="licence")
    companions: bool = setting("deliver thumbnail, captions, page and sidecar too", default=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.session and not _SESSION.fullmatch(self.session):
            raise ValueError(
                f"session has letters, digits, '.', '_' and '-', at most 128 and no sign first, got {self.session!r}"
            )
        if self.n is not None and self.n < 0:
            raise ValueError(f"n must be at least 0, got {self.n}")
        for _, field, form, conversion in _placeholders(self.template):
            if field is not None and (field not in _FIELDS or form or conversion):
                allowed = " ".join(f"{{{name}}}" for name in _FIELDS)
                raise ValueError(f"key has a wrong placeholder {{{field}}}; allowed: {allowed}")
            if field == "session" and not self.session:
                raise ValueError("key has the placeholder {session}, but there is no session; set session=ID")

    @property
    def template(self) -> str:
        """The template of the key that counts."""
        return self.key or (_OF_SESSION if self.session else self.storage.default_key)

    def ready(self, ctx: Context) -> None:
        self.storage.ready()

    def run(
        self,
        ctx: Context,
        song: Song,
        style: Style,
        video: Video,
        *,
        beats: Beats | None = None,
        storyboard: Storyboard | None = None,
        pictures: Pictures | None = None,
        proof: SyncProof | None = None,
    ) -> Delivery:
        about = sidecar(
            song, style, video,
            beats=beats, storyboard=storyboard, pictures=pictures, proof=proof, licence=self.licence,
        )  # fmt: skip
        key = self.key_of(song, style, video, ctx.run_folder.name)
        with tempfile.TemporaryDirectory(dir=ctx.folder, prefix=".delivery-") as folder:
            files = [video.file]
            if self.companions:
                picture = thumbnail(video.file.path, moment(video, storyboard, beats))
                files += _beside(Path(folder), PurePosixPath(key).stem, about, song, picture)
            stored = list(self._store(ctx, key, files, metadata(about)))
        if all(one.unchanged for one in stored):
            ctx.notice(f"{stored[0].url} holds the same bytes already; nothing was sent")
        return Delivery(
            url=stored[0].url,
            storage=self.storage.name,
            unchanged=stored[0].unchanged,
            companions=tuple(one.url for one in stored[1:]),
        )

    def key_of(self, song: Song, style: Style, video: Video, run: str) -> str:
        """The video's key: names of the song and the style, as every system takes them, in the template."""
        digest = video.file.sha256[:8]
        parts = {
            "title": song.title, "song": song.title, "artist": song.artist, "style": style.name, "run": run,
            "session": self.session, "n": str(1 if self.n is None else self.n), "hash": digest,
            "name": f"{_file_name(song.title)}-{digest}",
        }  # fmt: skip
        return self.template.format(**{name: _file_name(text) for name, text in parts.items()})

    def _store(self, ctx: Context, key: str, files: list[File], about: dict[str, str]) -> Iterator[Stored]:
        total, done = sum(file.size_bytes for file in files), 0
        stem = str(PurePosixPath(key).with_suffix(""))
        for place, file in enumerate(files):

            def progress(sent: int, before: int = done) -> None:
                ctx.progress(before + sent, total, "bytes")

            # what belongs to a video that is ours may be replaced
            storage = dataclasses.replace(self.storage, overwrite=True) if place else self.storage
            name = stem + file.path.suffix if place else key
            yield _put(storage, ctx.cache, key=name, file=file, about=about, progress=progress)
            done += file.size_bytes
        ctx.progress(total, total, "bytes")


def _put(
    storage: Storage, cache: Cache, *, key: str, file: File, about: dict[str, str], progress: Callable[[int], None]
) -> Stored:
    """Stores one file; two processes of this machine that store the same one take turns."""
    from filelock import FileLock

    name = Cache.key({"storage": storage.identity(), "key": key, "file": file.sha256})
    memory = cache.root / "uploads" / f"{name}.json"
    memory.parent.mkdir(parents=True, exist_ok=True)
    upload = Upload(
        file=file,
        key=key,
        content_type=content_type(key),
        cache_control=storage.cache_control,
        metadata=about,
        memory=memory,
    )
    with FileLock(memory.with_suffix(".lock")):
        stored: Any = storage.put(upload, progress)
    if not isinstance(stored, Stored):
        raise PluginError(f"storage ({storage.name}): put() must give a Stored, got {stored!r}; mend the plugin.")
    return stored


def _beside(folder: Path, stem: str, about: dict[str, Any], song: Song, picture: bytes) -> list[File]:
    """The files that go with the video; the sidecar is the last, so where it stands, all of them do."""
    found = {".jpg": picture}
    end_s = song.start_s + about["video"]["duration_s"]
    if song.lyrics and (text := srt(song.lyrics, song.start_s, end_s)):
        found |= {".srt": text.encode(), ".vtt": vtt(song.lyrics, song.start_s, end_s).encode()}
    found[".html"] = page(about, stem, captions=".vtt" in found).encode()
    found[".json"] = (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()
    files = []
    for suffix, data in found.items():
        path = folder / f"beside{suffix}"
        path.write_bytes(data)
        files.append(File.of(path))
    return files


def _placeholders(key: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(key))
    except ValueError as error:
        raise ValueError(f"key has a wrong placeholder ({error})") from error


def _file_name(text: str) -> str:
    """A text as a file name that every system takes: no separators, no control characters, at most 120 bytes."""
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", text).strip(" .")
    while len(name.encode()) > 120:
        name = name[:-1]
    return name or "video"
