"""Hands the finished video to the storage."""

from __future__ import annotations

import re
import string
from typing import Any

from qmv.api import Context, Stage, Storage, plugin, setting
from qmv.artifacts import Delivery, Song, Style, Video
from qmv.errors import PluginError

__all__ = ["Deliver"]

_FIELDS = ("title", "artist", "style", "run")


@plugin
class Deliver(Stage):
    """Stores the video under a key made of the song's and the style's names."""

    name = "deliver"
    cached = False
    after = ("proof",)  # what is not in sync is not delivered
    storage: Storage
    key: str = setting("where in the storage; may use {title}, {artist}, {style} and {run}", default="{title}.mp4")

    def __post_init__(self) -> None:
        super().__post_init__()
        for _, field, form, conversion in _placeholders(self.key):
            if field is not None and (field not in _FIELDS or form or conversion):
                allowed = " ".join(f"{{{name}}}" for name in _FIELDS)
                raise ValueError(f"key has a wrong placeholder {{{field}}}; allowed: {allowed}")

    def run(self, ctx: Context, song: Song, style: Style, video: Video) -> Delivery:
        parts = {"title": song.title, "artist": song.artist, "style": style.name, "run": ctx.run_folder.name}
        key = self.key.format(**{name: _file_name(text) for name, text in parts.items()})
        url: Any = self.storage.put(video.file.path, key, {"title": song.title, "style": style.name})
        if not isinstance(url, str):
            raise PluginError(
                f"storage ({self.storage.name}): put() must give an address, got {url!r}; mend the plugin."
            )
        ctx.progress(1, 1, "video")
        return Delivery(url=url, storage=self.storage.name)


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
