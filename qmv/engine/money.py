"""What a run spends, for its manifest, its terminal and its budget."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from qmv.artifacts import Pictures
from qmv.engine.cache import digest
from qmv.engine.ledger import Account, Ledger, Sums, dollars
from qmv.engine.manifest import Manifest, StageRecord

__all__ = ["BUDGET_ENV", "account_of", "budget_name", "book", "ledger_of", "pictures", "saved_by", "told"]

BUDGET_ENV = "QMV_SWEEP_BUDGET"  # the jobs of a sweep find the name of their common budget in it
_NOT_THE_WORK = re.compile(  # what may change between two tries at the same work
    r"\W*((run|hydra|fallback|prices)\.|(outputs|on_missing|observers)=|image@fallback="
    r"|([\w.]+\.)?(budget_usd|deadline_s|answer_s|tries|concurrency|price_usd|key_env|url)=)"
)


def ledger_of(outputs: str | Path) -> Ledger:
    """The ledger of an outputs folder; it outlives the cache beside it."""
    return Ledger(Path(outputs).absolute() / "ledger.sqlite")


def budget_name(overrides: Iterable[str]) -> str:
    """The same for the same work: a command that is run again after a crash goes on with its budget."""
    return digest(sorted(override for override in overrides if not _NOT_THE_WORK.match(override)))


def account_of(outputs: str, folder: Path, overrides: Iterable[str]) -> Account:
    """Who pays for a run in `folder`; the jobs of a sweep share one budget."""
    name = os.environ.get(BUDGET_ENV) or budget_name(overrides)
    return Account(ledger=ledger_of(outputs), budget=name, run=str(folder))


def saved_by(pictures: Pictures) -> Decimal:
    """What pictures that were all there already had cost."""
    costs = {picture.file.path: picture.cost or Decimal(0) for picture in pictures.pictures}
    return sum(costs.values(), Decimal(0))


def book(manifest: Manifest, account: Account) -> None:
    """Writes into the manifest what the run has spent so far, and saved."""
    sums, saved = account.sums(), _saved(manifest.stages)
    if sums == Sums() and not saved:
        return
    manifest.money = {
        "spent_usd": str(sums.spent),
        "saved_usd": str(saved),
        "reserved_usd": str(sums.reserved),
        "bought": sums.orders,
        "in_doubt": sums.open,
        "in_vain": sums.spoiled,
        "unpriced": sums.unpriced,
    }


def told(manifest: Manifest) -> str:
    """The money of a run in a line, '' where none was involved."""
    money = manifest.money
    if not money:
        return ""
    kinds = (("in_vain", "in vain"), ("unpriced", "without a price"))
    of_these = ", ".join(f"{money[key]} {words}" for key, words in kinds if money[key])
    parts = [f"spent {dollars(Decimal(money['spent_usd']))} on {pictures(money['bought'])}"]
    parts[0] += f" ({of_these})" if of_these else ""
    if not money["bought"]:
        parts = ["nothing spent"]
    if Decimal(money["saved_usd"]):
        parts.append(f"saved {dollars(Decimal(money['saved_usd']))} by reuse")
    if money["in_doubt"]:
        held = dollars(Decimal(money["reserved_usd"]))
        parts.append(f"{money['in_doubt']} orders in doubt ({held}), which the next run asks for")
    return ", ".join(parts)


def pictures(count: int) -> str:
    """'1 picture', '2 pictures'."""
    return f"{count} picture{'' if count == 1 else 's'}"


def _saved(stages: Iterable[StageRecord]) -> Decimal:
    return sum((Decimal(stage.saved_usd) for stage in stages if stage.saved_usd), Decimal(0))
