"""`python -m qmv spent` tells what the ledger of an outputs folder knows: what was bought, and what it cost."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add"]


def add(commands: Any) -> None:
    parser = commands.add_parser("spent", help="tell what pictures have cost, by what was bought")
    parser.add_argument("outputs", nargs="?", default="outputs", help="the outputs folder (outputs)")
    parser.set_defaults(command=_tell)


def _tell(given: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.table import Table

    from qmv.engine.ledger import dollars
    from qmv.engine.money import ledger_of

    lines = ledger_of(given.outputs).products()
    if not lines:
        print(f"nothing was ever ordered from {given.outputs}")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("what", "bought", "spent", "each", "in vain", "in doubt"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for line in (*lines, ledger_of(given.outputs).sums()):
        each = dollars((line.spent / (line.orders - line.unpriced)).normalize()) if line.orders > line.unpriced else ""
        table.add_row(
            line.name or "in all", str(line.orders), dollars(line.spent), each, str(line.spoiled or ""),
            f"{line.open} ({dollars(line.reserved)})" if line.open else "",
        )  # fmt: skip
    Console(highlight=False, width=200).print(table)
