"""Stores a video with all that lies beside it, so that what stands beside a video is always about that video."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from qmv.api import Cache, Storage, Stored, Upload
from qmv.artifacts import File
from qmv.errors import OutputError, PluginError
from qmv.objects.delivery import content_type, taken
from qmv.objects.store import Absent, TooLarge

__all__ = ["COMPANIONS", "FilmSet", "turn"]

COMPANIONS = (".jpg", ".srt", ".vtt", ".html", ".json")  # the sidecar is the last: where it stands, all of them do
_MOST_SIDECAR_BYTES = 64 << 20


@contextmanager
def turn(cache: Cache, storage: Storage, key: str) -> Iterator[Path]:
    """A folder for the files of one delivery, empty; deliveries of this machine to the same place take turns."""
    from filelock import FileLock

    uploads = cache.root / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    folder = uploads / Cache.key({"storage": storage.identity(), "key": key})
    with FileLock(folder.with_suffix(".lock")):
        shutil.rmtree(folder, ignore_errors=True)  # of a delivery that was killed
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class FilmSet:
    """A video and the files beside it, by suffix, for the place `key` of a storage."""

    storage: Storage
    cache: Cache
    key: str
    video: File
    beside: Mapping[str, File]
    about: Mapping[str, str]

    def store(self, progress: Callable[[int, int], None]) -> list[Stored]:
        """Stores the video, then the others; `progress` is told bytes and their sum.

        Raises OutputError where another file stands under one of the keys, unless the storage may overwrite, or it is
        a companion of this very video.
        """
        ours = self.storage.overwrite or not self.beside or self._is_about_video()
        if not ours:
            self._refuse_strangers()
        elif self.beside:
            self._withdraw_sidecar()
        total, done, stored = sum(file.size_bytes for _, file in self._files()), 0, []
        for key, file in self._files():
            storage = self.storage if key == self.key else dataclasses.replace(self.storage, overwrite=ours)
            stored.append(self._put(storage, key, file, lambda sent, before=done: progress(before + sent, total)))  # type: ignore[misc]
            done += file.size_bytes
        progress(total, total)
        if self.storage.overwrite and self.beside and not self._video_stands():
            raise OutputError(
                f"{self.storage.store().where}: {stored[0].url} was replaced by another delivery meanwhile; run the "
                "same command again, one at a time."
            )
        return stored

    def _files(self) -> list[tuple[str, File]]:
        stem = str(PurePosixPath(self.key).with_suffix(""))
        beside = [(stem + suffix, self.beside[suffix]) for suffix in COMPANIONS if suffix in self.beside]
        return [(self.key, self.video), *beside]

    def _refuse_strangers(self) -> None:
        """Before anything is sent: a cover or a page of somebody's may have the name of a companion."""
        store = self.storage.store()
        for key, file in self._files()[1:]:
            standing = store.look(key)
            if standing is not None and not store.holds(standing, file):
                raise taken(store, Upload(file=file, key=key))

    def _withdraw_sidecar(self) -> None:
        """The sidecar of another video must not stand beside this one, not for a moment."""
        if not self._video_stands() and not self._is_about_video():
            standing = self.storage.store().look(self._files()[-1][0])
            if standing is not None:
                self.storage.store().withdraw(standing)

    def _video_stands(self) -> bool:
        store = self.storage.store()
        standing = store.look(self.key)
        return standing is not None and store.holds(standing, self.video)

    def _is_about_video(self) -> bool:
        """Whether the sidecar that stands there is one of this video."""
        sidecar = self._files()[-1][0]
        with tempfile.TemporaryDirectory(prefix="qmv-") as folder, contextlib.suppress(Absent, TooLarge):
            back = Path(folder) / "sidecar"
            self.storage.store().fetch(sidecar, back, _MOST_SIDECAR_BYTES)
            with contextlib.suppress(ValueError, TypeError, KeyError):
                return bool(json.loads(back.read_bytes())["video"]["sha256"] == self.video.sha256)
        return False

    def _put(self, storage: Storage, key: str, file: File, progress: Callable[[int], None]) -> Stored:
        name = Cache.key({"storage": storage.identity(), "key": key, "file": file.sha256})
        memory = self.cache.root / "uploads" / f"{name}.json"
        upload = Upload(
            file=file, key=key, content_type=content_type(key), cache_control=storage.cache_control,
            metadata=self.about, memory=memory,
        )  # fmt: skip
        stored: Any = storage.put(upload, progress)
        if not isinstance(stored, Stored):
            raise PluginError(f"storage ({storage.name}): put() must give a Stored, got {stored!r}; mend the plugin.")
        memory.unlink(missing_ok=True)  # of an upload that was killed after its last byte
        return stored
