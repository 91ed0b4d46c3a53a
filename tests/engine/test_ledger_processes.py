"""One ledger for many processes, some of which are killed, and files that cannot be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from qmv.engine.ledger import Ledger, Order, Sums
from qmv.errors import OutputError
from tests.engine.orders import CENT, adopted, begun

ROOT = Path(__file__).resolve().parents[2]


# -- several processes, and processes that are killed ----------------------------------------------------------------

_BEGIN_50 = """
import sys, time
from decimal import Decimal
from pathlib import Path
from qmv.engine.ledger import Ledger
from qmv.errors import BudgetError
ledger, name = Ledger(Path(sys.argv[1])), sys.argv[2]
for number in range(50):
    order = None
    try:
        while order is None:
            order = ledger.begin(
                f"{name} {number}", "trial", Decimal("0.01"), budget="b", run=name, cap=Decimal("0.60")
            )
            time.sleep(0 if order else 0.01)  # the first order of the product is still out
    except BudgetError:
        print("full")
        continue
    print("begun")
    if number % 3 == 0:
        ledger.end(order, "cancelled")
        print("cancelled")
    elif number % 3 == 1:
        ledger.end(order, "paid", Decimal("0.007"))
    sums = ledger.sums(budget="b")
    assert sums.spent + sums.reserved <= Decimal("0.60"), sums
"""
_DIE = """
import os, sys
from decimal import Decimal
from pathlib import Path
from qmv.engine.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
print(ledger.begin("a picture", "trial", Decimal("0.01"), budget="b", run="r", cap=None), flush=True)
os.kill(os.getpid(), 9)
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def test_four_processes_never_pass_a_budget_together(ledger: Ledger) -> None:
    """They begin with a file that none of them has made yet."""
    running = [started(_BEGIN_50, ledger.path, name) for name in "abcd"]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    begun_all, cancelled = sum(text.count("begun") for text in said), sum(text.count("cancelled") for text in said)
    sums = ledger.sums(budget="b")
    assert sums.orders + sums.open == begun_all - cancelled
    assert sums.spent == sums.orders * Decimal("0.007")
    assert sums.reserved == sums.open * CENT
    assert Decimal("0.59") < sums.spent + sums.reserved <= Decimal("0.60")  # it was used up, to less than a price
    assert any("full" in text for text in said)


def test_an_order_of_a_killed_process_is_found_and_its_price_stays_reserved(ledger: Ledger) -> None:
    process = started(_DIE, ledger.path)
    order = process.communicate(timeout=60)[0].strip()
    assert process.returncode == -signal.SIGKILL
    assert ledger.sums(budget="b").reserved == CENT
    assert adopted(ledger) == [Order(id=order, paid=False)]


def test_a_process_that_is_killed_while_it_writes_leaves_whole_books(ledger: Ledger) -> None:
    """What was never committed is not there, and nobody waits for the lock of the dead."""
    code = _DIE.replace("os.kill", "writing = ledger._writing()\nwriting.__enter__().execute(_TORN)\nos.kill")
    code = code.replace("_TORN", "\"UPDATE orders SET state = 'kept', cost = 5\"")
    process = started(code, ledger.path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert ledger.sums() == Sums(reserved=CENT, open=1)
    begun(ledger)


# -- files that cannot be used ---------------------------------------------------------------------------------------


def check_sentence(error: OutputError, path: Path) -> None:
    text = str(error)
    assert text.startswith(f"ledger ({path}): cannot be used (")
    assert text.endswith("so mend it or move it away, and nothing is bought until then.")
    assert "\n" not in text


@pytest.mark.parametrize("damage", ["garbage", "torn"])
def test_a_damaged_file_is_a_sentence_and_nothing_is_bought(ledger: Ledger, damage: str) -> None:
    for _ in range(50):
        begun(ledger)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(b"no ledger at all" * 100 if damage == "garbage" else whole[: len(whole) // 2 + 100])
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


def test_a_file_that_is_no_ledger_of_ours_is_a_sentence(ledger: Ledger) -> None:
    with sqlite3.connect(ledger.path) as db:
        db.execute("CREATE TABLE orders (what TEXT)")
    db.close()
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


@pytest.mark.parametrize("where", ["a file/ledger.sqlite", "folder"])
def test_a_place_where_no_file_can_be_is_a_sentence(tmp_path: Path, where: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "folder").mkdir()
    ledger = Ledger(tmp_path / where)
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_is_read_only_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir(mode=0o500)
    ledger = Ledger(folder / "ledger.sqlite")
    with pytest.raises(OutputError) as caught:
        begun(ledger)
    check_sentence(caught.value, ledger.path)
