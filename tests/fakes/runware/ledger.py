"""What the service is owed and what it was sent, one JSON line each, so that both outlive its process."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

__all__ = ["Charge", "Ledger", "charges", "lines"]

_LONG = 4000  # characters; a prompt has at most 3000, a picture in a message many more


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One picture that the account was charged for, delivered or not."""

    task_uuid: str
    prompt: str
    seed: int
    model: str
    width_px: int
    height_px: int
    steps: int | None  # None: left to the model
    cost: Decimal
    at: float  # seconds since the epoch
    number: int  # how often this picture of this taskUUID was charged before; above 0 it was paid for twice
    result: int = 0  # which of the task's numberResults


class Ledger:
    """Writes `ledger.jsonl` and `received.jsonl` in a folder, after what an earlier process wrote there."""

    def __init__(self, folder: Path) -> None:
        earlier = charges(folder)
        self.spent = sum((charge.cost for charge in earlier), Decimal(0))
        self.count = len(earlier)
        self._times = Counter((charge.task_uuid, charge.result) for charge in earlier)
        self._charges = (folder / "ledger.jsonl").open("a", encoding="utf-8")
        self._received = (folder / "received.jsonl").open("a", encoding="utf-8")

    def charge(self, **about: Any) -> None:
        """Books one picture; on return it is on the disk."""
        which = (about["task_uuid"], about["result"])
        charge = Charge(**about, at=time.time(), number=self._times[which])
        self._times[which] += 1
        self.spent += charge.cost
        self.count += 1
        self._charges.write(json.dumps(asdict(charge), default=str) + "\n")
        self._charges.flush()
        os.fsync(self._charges.fileno())

    def receive(self, message: dict[str, Any], **about: Any) -> None:
        """Notes a task as it came, its pictures by their length only."""
        line = {"time": time.time(), "taskType": message.get("taskType"), "taskUUID": message.get("taskUUID")}
        request = {name: _short(value) for name, value in message.items() if name != "apiKey"}
        self._received.write(json.dumps(line | about | {"request": request}) + "\n")
        self._received.flush()

    def close(self) -> None:
        self._charges.close()
        self._received.close()


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_short(inner) for inner in value]
    return f"<{len(value)} characters>" if isinstance(value, str) and len(value) > _LONG else value


def charges(folder: Path) -> list[Charge]:
    """What was charged so far, by the ledger in the folder."""
    return [Charge(**line | {"cost": Decimal(line["cost"])}) for line in lines(folder / "ledger.jsonl")]


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file; a last line that is still being written is left out."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
