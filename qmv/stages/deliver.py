"""Hands the finished video, and what belongs beside it, to the storage."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path, PurePosixPath
from typing import Any

from qmv.api import Context, Stage, Storage, plugin, setting
from qmv.artifacts import Beats, Delivery, File, Pictures, Song, Storyboard, Style, SyncProof, Video
from qmv.companions.page import page
from qmv.companions.sidecar import metadata, sidecar
from qmv.companions.thumbnail import moment, thumbnail
from qmv.handoff.captions import srt, vtt
from qmv.stages.film_set import FilmSet, turn

__all__ = ["Deliver"]

_FIELDS = ("artist", "hash", "n", "name", "run", "session", "song", "style", "title")
_OF_SESSION = "videos/{session}/video_{n}.mp4"
_LONGEST = 120  # bytes of a name
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
        if not re.search(r"[^/]\.mp4$", self.template):
            raise ValueError(f"key must end in a name and .mp4, got '{self.template}'")

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
        with turn(ctx.cache, self.storage, key) as folder:
            beside: dict[str, File] = {}
            if self.companions:
                picture = thumbnail(video.file.path, moment(video, storyboard, beats))
                beside = _beside(folder, PurePosixPath(key).stem, about, song, picture)
            films = FilmSet(
                storage=self.storage, cache=ctx.cache, key=key, video=video.file, beside=beside, about=metadata(about)
            )
            stored = films.store(lambda done, total: ctx.progress(done, total, "bytes"))
        if all(one.unchanged for one in stored):
            size = ctx.counts["total"]
            ctx.progress(size, size, "bytes", reused=size, detail="there already")
            ctx.notice(f"{stored[0].url} holds the same bytes already; nothing was sent")
        return Delivery(
            url=stored[0].url,
            storage=self.storage.name,
            unchanged=stored[0].unchanged,
            companions=tuple(one.url for one in stored[1:]),
            key=key,
            sha256=video.file.sha256,
            size_bytes=video.file.size_bytes,
        )

    def key_of(self, song: Song, style: Style, video: Video, run: str) -> str:
        """The video's key: names of the song and the style, as every system takes them, in the template."""
        digest = video.file.sha256[:8]
        parts = {
            "title": song.title, "song": song.title, "artist": song.artist, "style": style.name, "run": run,
            "session": self.session, "n": str(1 if self.n is None else self.n), "hash": digest,
        }  # fmt: skip
        names = {name: _file_name(text) for name, text in parts.items()}
        return self.template.format(**names, name=f"{_file_name(song.title, _LONGEST - 9)}-{digest}")


def _beside(folder: Path, stem: str, about: dict[str, Any], song: Song, picture: bytes) -> dict[str, File]:
    """The files that go with the video, by their suffixes."""
    found = {".jpg": picture}
    end_s = song.start_s + about["video"]["duration_s"]
    if song.lyrics and (text := srt(song.lyrics, song.start_s, end_s)):
        found |= {".srt": text.encode(), ".vtt": vtt(song.lyrics, song.start_s, end_s).encode()}
    found[".html"] = page(about, stem, captions=found.get(".vtt", b"").decode()).encode()
    found[".json"] = (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()
    for suffix, data in found.items():
        (folder / f"beside{suffix}").write_bytes(data)
    return {suffix: File.of(folder / f"beside{suffix}") for suffix in found}


def _placeholders(key: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(key))
    except ValueError as error:
        raise ValueError(f"key has a wrong placeholder ({error})") from error


def _file_name(text: str, longest: int = _LONGEST) -> str:
    """A text as a file name that every system takes: no separators, no control characters, not too many bytes."""
    whole = text.encode("utf-8", "replace").decode()
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", whole).strip(" .")
    while len(name.encode()) > longest:
        name = name[:-1]
    return name.rstrip(" .") or "video"
