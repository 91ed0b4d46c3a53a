"""A client that is cheap enough to ask a service two hundred times a second beside it: HTTP/1.1 over asyncio."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from benchmarks.service_process import Service

__all__ = ["Client", "start"]

_RATE_HZ = 44100
_BOUNDARY = "qmv-benchmark"


@dataclass(frozen=True, kw_only=True)
class Client:
    """One connection that is kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str

    @classmethod
    async def connected(cls, url: str) -> Client:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(reader=reader, writer=writer, host=parts.netloc)

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        status, length = await self._ask(path)
        return status, await self.reader.readexactly(length)

    async def events(self, path: str) -> AsyncIterator[tuple[str, str]]:
        """(event, data) of a stream until the server ends it."""
        status, _ = await self._ask(path)
        if status != 200:
            return
        event = data = ""
        async for raw in self.reader:
            line = raw.decode().rstrip("\r\n")
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                data += value
            elif not line and data:
                yield event, data
                if event == "end":
                    return
                event = data = ""

    async def _ask(self, path: str) -> tuple[int, int]:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
        return int(head.split(" ", 2)[1]), length

    def close(self) -> None:
        self.writer.close()


def start(running: Service, session: str, minutes: float = 4.0) -> None:
    """Hands over a made song: clicks at 120 beats a minute under a tone."""
    body = b"".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"
        for name, more, value in (
            ("songs", '; filename="clicks.flac"\r\nContent-Type: audio/flac', _song(minutes)),
            ("style", "", b"neon"),
            ("settings", "", json.dumps({"quality": "standard"}).encode()),
        )
    )
    asked = urllib.request.Request(
        f"{running.url}/api/phase3/start/{session}",
        data=body + f"--{_BOUNDARY}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        if answer.status != 202:
            raise RuntimeError(f"start: {answer.status} {answer.read()!r}")


def _song(minutes: float) -> bytes:
    import numpy as np
    import soundfile as sf

    times_s = np.arange(int(minutes * 60 * _RATE_HZ)) / _RATE_HZ
    beat = times_s % 0.5
    sound = 0.5 * np.exp(-beat * 60) * np.sin(2 * np.pi * 1500 * beat) + 0.1 * np.sin(2 * np.pi * 220 * times_s)
    file = io.BytesIO()
    sf.write(file, sound.astype("float32"), _RATE_HZ, format="FLAC")
    return file.getvalue()
