"""The fake of Gemini's HTTP from a test's side: starts its process, reads what it was sent, and ends it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.fakes.gemini.script import Script
from tests.fakes.serving import lines, started

__all__ = ["FakeGemini", "fake_gemini"]


@dataclass(frozen=True, kw_only=True)
class FakeGemini:
    """A running fake; `url` is what the SDK calls its base address."""

    url: str
    pid: int
    folder: Path

    def received(self) -> list[dict[str, Any]]:
        """The requests that came, also those that were refused: path, key_by ('header', 'query', ''), fault, body."""
        return lines(self.folder / "received.jsonl")


@contextlib.contextmanager
def fake_gemini(folder: Path, **script: Any) -> Iterator[FakeGemini]:
    """The service in a process of its own until the end of the block; `script` gives fields of `Script`."""
    with started("tests.fakes.gemini", folder, asdict(Script(**script))) as process:
        yield FakeGemini(url=f"http://127.0.0.1:{process.port}", pid=process.pid, folder=folder)
