"""The words at the end of a sweep, from its jobs' manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qmv.engine.ledger import Sums, dollars
from qmv.engine.money import pictures

__all__ = ["cut_short", "finished", "line", "money"]


def finished(ends: Sequence[str]) -> str:
    """How many of a sweep's jobs are done, by how each ended."""
    return f"{_done(ends)} of {len(ends)} jobs finished"


def cut_short(ends: Sequence[str], planned: int) -> str:
    """What became of the jobs of a sweep that was cancelled, those included that had not had their turn. `planned` is
    how many it has, 0 where that is not known."""
    if planned < max(1, len(ends)):  # not known, or others put their jobs there too
        return f"{_done(ends)} of {len(ends)} begun jobs finished"
    counts = {
        "cut short": ends.count("cancelled") + ends.count("running"),
        "failed": ends.count("failed"),
        "not begun": planned - len(ends),
    }
    rest = "".join(f" {count} {what}," for what, count in counts.items() if count)
    return f"{_done(ends)} of {planned} jobs finished" + (f",{rest}" if rest else "")


def _done(ends: Sequence[str]) -> int:
    return sum(end in ("finished", "planned") for end in ends)


def line(number: int, manifest: Mapping[str, Any]) -> str:
    """What became of one job."""
    status = "stopped" if manifest["status"] == "running" else manifest["status"]
    end = manifest["result"] or manifest["error"] or ""
    return f"  #{number} {status}: {' '.join(manifest['overrides'])}" + (f": {end}" if end else "")


def money(manifests: Sequence[Mapping[str, Any]], spent: Sequence[Sums]) -> list[str]:
    """What the jobs have `spent` together, or would; a picture that several of them want is bought once."""
    lines = []
    if offers := {key: usd for manifest in manifests for key, usd in manifest.get("quote", {}).items()}:
        known = [Decimal(usd) for usd in offers.values() if usd is not None]
        unknown = f", and {len(offers) - len(known)} without a known price" if len(known) < len(offers) else ""
        price = sum(known, Decimal(0))
        caps = [manifest["budget_usd"] for manifest in manifests if manifest.get("budget_usd") is not None]
        over = f", {'MORE than' if price > Decimal(str(caps[0])) else 'within'} budget_usd" if caps else ""
        about = f"about {dollars(price)}{unknown}{over}"
        lines.append(f"in all {pictures(len(offers))} to buy, {about}; shared ones count once")
    if sums := [manifest["money"] for manifest in manifests if manifest.get("money")]:
        saved = sum((Decimal(money["saved_usd"]) for money in sums), Decimal(0))
        total, count = sum((found.spent for found in spent), Decimal(0)), sum(found.orders for found in spent)
        lines.append(f"spent {dollars(total)} on {pictures(count)}, saved {dollars(saved)} by reuse")
    return lines
