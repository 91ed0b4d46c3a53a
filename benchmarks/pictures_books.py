"""What a service charged, against what QMV's ledger says: order by order, and picture by picture.

The service is the fake of `tests.fakes.runware`. Its faults are a function of its script, so which of its charges
brought a file that is bad for good can be told afterwards, from what it was sent.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakes.runware.ledger import Charge, charges, lines
from tests.fakes.runware.script import FAILURES, LOST, PIXEL_FAULTS, REFUSALS, Script

__all__ = ["BAD_FOR_GOOD", "Books", "compared"]

# http_reset cuts the file short on each try
BAD_FOR_GOOD = (*PIXEL_FAULTS, "missing", "http_404", "http_500", "http_reset")
_NOT_TAKEN = (*REFUSALS, *LOST, "error_without_uuid")
_NANO = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Books:
    """US dollars, and what is wrong. `again`: charges for a picture whose earlier files were all bad for good; `twice`:
    pictures that were charged again though a good file was there; `differ`: orders that the two books do not agree on;
    `unsettled`: orders that QMV still holds open."""

    charged: int
    pictures: int
    spent: Decimal
    booked: Decimal
    again: int
    twice: tuple[str, ...]
    differ: tuple[str, ...]
    unsettled: int

    @property
    def faults(self) -> list[str]:
        found = {
            f"{len(self.twice)} pictures were paid for twice": self.twice,
            f"{len(self.differ)} orders are booked wrongly": self.differ,
            f"{self.unsettled} orders are still open": self.unsettled,
            f"the sums differ: {self.booked} booked, {self.spent} charged": self.booked != self.spent,
        }
        return [sentence for sentence, there in found.items() if there]

    def told(self) -> dict[str, Any]:
        """The figures for a report."""
        return {
            "charged": self.charged, "again": self.again, "twice": len(self.twice), "spent_usd": str(self.spent),
            "booked_usd": str(self.booked),
        }  # fmt: skip


def compared(fake: Path, ledger: Path, script: Script) -> Books:
    """The books of a fake that had one script all the time, and of one outputs folder, once nothing is in work."""
    charged = charges(fake)
    bills: dict[str, Decimal] = defaultdict(Decimal)
    for charge in charged:
        bills[charge.task_uuid] += charge.cost
    booked, unsettled = _booked(ledger)
    differ = [order for order in {*bills, *booked} if bills.get(order) != booked.get(order)]
    again, twice = _repeats(charged, _faults(fake, script))
    return Books(
        charged=len(charged),
        pictures=len({_picture(charge) for charge in charged}),
        spent=sum(bills.values(), Decimal(0)),
        booked=sum(booked.values(), Decimal(0)),
        again=again,
        twice=tuple(twice),
        differ=tuple(differ),
        unsettled=unsettled,
    )


def _booked(ledger: Path) -> tuple[dict[str, Decimal], int]:
    """What QMV says that each order cost, and how many orders are open; read without QMV's own sums."""
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        rows = db.execute("SELECT id, cost FROM orders WHERE state IN ('paid', 'kept', 'spoiled')").fetchall()
        [unsettled] = db.execute("SELECT COUNT(*) FROM orders WHERE state = 'open'").fetchone()
    return {order: Decimal(cost or 0) / _NANO for order, cost in rows}, unsettled


def _faults(fake: Path, script: Script) -> dict[str, list[str]]:
    """The faults of each order's charges, from the messages as they came."""
    seen: Counter[str] = Counter()
    taken: dict[str, list[str]] = {}
    for line in lines(fake / "received.jsonl"):
        order, prompt = line["taskUUID"], line["request"].get("positivePrompt", "")
        if line["taskType"] != "imageInference" or (order in taken and script.duplicates == "conflict"):
            continue
        fault = script.fault(-1, prompt, seen[prompt])
        seen[prompt] += 1
        if fault not in _NOT_TAKEN:
            taken.setdefault(order, []).append(fault)
    return {order: [fault for fault in faults if fault not in FAILURES] for order, faults in taken.items()}


def _repeats(charged: list[Charge], faults: dict[str, list[str]]) -> tuple[int, list[str]]:
    """How often a picture was bought anew for its bad file, and the pictures that were paid for twice."""
    again, twice = 0, []
    had: dict[tuple[str, int, int, int], bool] = {}  # whether a good file was to be had
    for charge in charged:
        picture = _picture(charge)
        if had.get(picture):
            twice.append(f"{charge.prompt} (seed {charge.seed})")
        again += picture in had
        had[picture] = had.get(picture, False) or faults[charge.task_uuid][charge.number] not in BAD_FOR_GOOD
    return again - len(twice), twice


def _picture(charge: Charge) -> tuple[str, int, int, int]:
    return charge.prompt, charge.seed, charge.width_px, charge.height_px
