"""The fake of the OpenAI images form from a test's side: starts its process, reads its books, and ends it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakes.openai_images.script import Script
from tests.fakes.serving import lines, started

__all__ = ["Charge", "FakeOpenAI", "fake_openai_images"]


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One request that the account was charged for, delivered or not."""

    prompt: str
    seed: int | None  # None where the request gave none
    drawn_seed: int  # what was drawn with
    size: str
    model: str
    n: int
    idempotency_key: str  # '' for none
    cost: Decimal  # of all n pictures, in US dollars
    at: float  # seconds since the epoch
    number: int  # how often this prompt with this seed was charged before; above 0 it was paid for twice


@dataclass(frozen=True, kw_only=True)
class FakeOpenAI:
    """A running fake; `url` is its base address with /v1. Its books can be read when it has ended, too."""

    url: str
    pid: int
    folder: Path

    def charges(self) -> list[Charge]:
        """What was charged, in the order in which it was, also by an earlier process on the same folder."""
        return [Charge(**line | {"cost": Decimal(line["cost"])}) for line in lines(self.folder / "ledger.jsonl")]

    def received(self) -> list[dict[str, Any]]:
        """The requests that came, also those that were refused: path, authorized, idempotency_key, body."""
        return lines(self.folder / "received.jsonl")


@contextlib.contextmanager
def fake_openai_images(folder: Path, **script: Any) -> Iterator[FakeOpenAI]:
    """The service in a process of its own until the end of the block; `script` gives fields of `Script`."""
    with started("tests.fakes.openai_images", folder, asdict(Script(**script))) as process:
        yield FakeOpenAI(url=f"http://127.0.0.1:{process.port}/v1", pid=process.pid, folder=folder)
