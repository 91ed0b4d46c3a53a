"""Songs that lie elsewhere, fetched into the cache by what their addresses hold.

Two areas: `downloads` keeps songs by their bytes, so that a file which a run reads never changes; `addresses` keeps of
each address which song it held last, and by what the server would tell another one. So an address is asked each time,
and a song is fetched where it is another one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qmv.artifacts import File
from qmv.engine.cache import Cache, digest
from qmv.engine.no_songs import refuse_other
from qmv.engine.song_addresses import check_address, check_public, identity, in_bucket, shown, suffix_of
from qmv.errors import AccessError, ConfigError, InputError, ServiceError, output_error
from qmv.media.audio import inspect
from qmv.media.length import sounding_s
from qmv.objects.places import open_store
from qmv.objects.store import Absent, TooLarge
from qmv.objects.web import Edition, Web
from qmv.objects.web_guard import Guard

__all__ = ["RemoteSong"]

_SONGS, _ADDRESSES = "downloads", "addresses"
_ABOUT = "about.json"
_LYRICS = ".lrc"  # of a file of this name beside the song; a song that is called so would be taken for its own lyrics
_MB = 1_000_000
_GRACE_S = 1.0  # encoders add some silence
_PATIENCE_S = 90.0  # with buckets, which deliveries wait longer for


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """The song that the address held last, in the cache; `edition` is what its place told of it."""

    path: Path
    edition: dict[str, Any]
    fetched: str


@dataclass(frozen=True, kw_only=True)
class RemoteSong:
    """A song at an address. `tell` gets what the user should know of how it was had."""

    address: str
    most_mb: float
    cache: Cache
    tell: Callable[[str], None]
    most_minutes: float | None = None
    public_only: bool = False  # connects to public addresses only, whatever a name means and an answer leads on to

    def file(self) -> Path:
        """The song's file in the cache, as the address holds it now.

        A copy that may be old is used only where the address cannot be asked, and then `tell` says so. Raises
        ConfigError, InputError, AccessError or ServiceError with the sentence for what is wrong.
        """
        check_address(self.address)
        if self.public_only:
            check_public(self.address)
        path = self._had()
        self._check_length(path)
        return path

    def _had(self) -> Path:
        with _full_disk_told(), self.cache.lock(_ADDRESSES, self._key):
            kept = self._kept()
            try:
                edition = self._fetch(kept)
            except AccessError:
                raise
            except ServiceError as error:
                if kept is None:
                    raise
                self.tell(f"{error} The copy of {kept.fetched} is used, which may be an old one.")
                return kept.path
            if edition is None and kept is not None:
                return kept.path
            return self._keep(edition or {})

    @property
    def _where(self) -> str:
        return f"song ({shown(self.address)})"

    @property
    def _key(self) -> str:
        return digest({"address": identity(self.address)})

    @property
    def _part(self) -> Path:
        return self.cache.folder(_ADDRESSES, self._key).with_suffix(".download")

    # -- fetching ----------------------------------------------------------------------------------------------------

    def _fetch(self, kept: _Kept | None) -> dict[str, Any] | None:
        """What the address holds, in `_part`, and what its place tells of it; None where that is kept already."""
        try:
            return self._from_bucket(kept) if in_bucket(self.address) else self._from_web(kept)
        except TooLarge as error:
            for file in (self._part, self._part.with_name(f"{self._part.name}.json")):
                file.unlink(missing_ok=True)
            size = f"{error.size_bytes / _MB:.1f} MB or more"
            most = f"song.most_mb allows {self.most_mb:g}"
            raise InputError(f"{self._where}: has {size}, and {most}; raise it, or give a smaller file.") from error

    def _from_web(self, kept: _Kept | None) -> dict[str, Any] | None:
        guard = Guard() if self.public_only else None
        web = Web(where=self._where, allow=self._allow, accept=self._accept, guard=guard)
        known = Edition(**kept.edition) if kept else None
        edition = web.fetch(self.address.partition("#")[0], self._part, self._most_bytes, known)
        return None if edition is None else asdict(edition)

    def _from_bucket(self, kept: _Kept | None) -> dict[str, Any] | None:
        scheme, _, rest = self.address.partition("://")
        bucket, _, key = rest.partition("/")
        store = open_store(f"{scheme.lower()}://{bucket}", self._where, _PATIENCE_S)
        standing = store.look(key)
        try:
            if standing is None:
                raise Absent(key)
            if kept is not None and kept.edition == {"version": standing.version}:
                return None
            if standing.size_bytes > self._most_bytes:
                raise TooLarge(standing.size_bytes)
            self._began(standing.size_bytes)
            fetched = store.fetch(key, self._part, self._most_bytes)
        except Absent as error:
            raise InputError(f"{self._where}: there is no such file, or no such bucket; check the address.") from error
        if not self._part.stat().st_size:
            raise InputError(f"{self._where}: the file is empty; check the address.")
        with self._part.open("rb") as stream:
            refuse_other(self._where, stream.read(1024), fetched.content_type)
        return {"version": fetched.version}

    @property
    def _most_bytes(self) -> int:
        return int(self.most_mb * _MB)

    def _allow(self, source: str, target: str) -> None:
        """What the address leads on to: never from a safe way to an open one."""
        if in_bucket(target):
            bucket = shown(re.split(r"[?#]", target, maxsplit=1)[0])
            raise InputError(
                f"{self._where}: leads on to {bucket}, and no way leads on to a bucket; give that address."
            )
        try:
            check_address(target)
            if self.public_only:
                check_public(target)
        except ConfigError as error:
            raise InputError(f"{self._where}: leads on to another address: {error}") from error
        if urlsplit(source).scheme == "https" and urlsplit(target).scheme != "https":
            raise InputError(
                f"{self._where}: leads on from https:// to {shown(target)}; give an address that stays with https://."
            )

    def _accept(self, head: bytes, media_type: str, size_bytes: int | None) -> None:
        refuse_other(self._where, head, media_type)
        self._began(size_bytes)

    def _began(self, size_bytes: int | None) -> None:
        size = "" if size_bytes is None else f", {size_bytes / _MB:.1f} MB"
        self.tell(f"fetching {shown(self.address)}{size}")

    def _check_length(self, path: Path) -> None:
        if self.most_minutes is None:
            return
        most_s = self.most_minutes * 60 + _GRACE_S
        if sounding_s(path, most_s) > most_s:
            raise InputError(
                f"{self._where}: is longer than {self.most_minutes:g} minutes, as song.most_minutes allows; cut it."
            )

    # -- keeping -----------------------------------------------------------------------------------------------------

    def _kept(self) -> _Kept | None:
        folder = self.cache.get(_ADDRESSES, self._key)
        if folder is None:
            return None
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        song = self.cache.get(_SONGS, about["song"])
        if song is None:
            return None
        return _Kept(path=song / about["name"], edition=about["edition"], fetched=about["fetched"])

    def _keep(self, edition: dict[str, Any]) -> Path:
        """Puts the fetched file into the cache, once it is known to be a song."""
        suffix = suffix_of(self.address)
        name = f"song{suffix if suffix != _LYRICS else ''}"
        song = digest({"song": File.of(self._part).sha256, "name": name})
        folder, _ = self.cache.once(_SONGS, song, lambda part: self._place(part / name))
        self._part.unlink(missing_ok=True)
        about = {
            "address": shown(self.address), "song": song, "name": name, "edition": edition,
            "fetched": datetime.now().astimezone().isoformat(" ", "minutes"),
        }  # fmt: skip
        text = json.dumps(about, indent=1, ensure_ascii=False)
        self.cache.put(_ADDRESSES, self._key, lambda part: _write(part / _ABOUT, text))
        return folder / name

    def _place(self, file: Path) -> None:
        os.replace(self._part, file)
        try:
            inspect(file)
        except InputError as error:
            raise InputError(str(error).replace(f"song ({file})", self._where)) from error


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if (sentence := output_error(error)) is None:
            raise
        raise sentence from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
