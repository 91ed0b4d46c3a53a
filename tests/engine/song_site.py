"""A server with a song on it, and a signature that nobody else may read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qmv.engine.cache import Cache
from qmv.engine.remote_songs import RemoteSong
from tests.fakes.serving import lines

SECRET = "Zm9yZ2VkLXNpZ25hdHVyZQ"


@dataclass
class Site:
    """A server with `x.wav` on it, and the cache of this test; a new server is at another port, so `port` is kept."""

    folder: Path
    cache: Cache
    port: int
    told: list[str]

    def url(self, path: str = "/x.wav") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def file(self, path: str = "/x.wav", most_mb: float = 1.0) -> Path:
        return RemoteSong(address=self.url(path), most_mb=most_mb, cache=self.cache, tell=self.told.append).file()

    def statuses(self) -> list[int]:
        return [request["status"] for request in lines(self.folder / "requests.jsonl")]
