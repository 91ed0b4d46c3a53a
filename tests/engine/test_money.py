"""What a run spends: which budget it belongs to, what its manifest says, and the line for the user."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qmv.artifacts import File, Picture, Pictures
from qmv.engine.ledger import Account
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import BUDGET_ENV, account_of, book, budget_name, ledger_of, saved_by, told

CENT = Decimal("0.01")


@pytest.fixture(autouse=True)
def no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BUDGET_ENV, raising=False)


# -- whose money -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    ["budget_usd=5", "run.workers=1", "run.dry=true", "outputs=/elsewhere", "on_missing=hold", "+hydra.verbose=1"],
)
def test_the_budget_of_the_same_work_has_the_same_name(more: str) -> None:
    assert budget_name(["song=a.mp3", "style=noir", more]) == budget_name(["style=noir", "song=a.mp3"])


@pytest.mark.parametrize(
    "other", [["song=b.mp3", "style=noir"], ["song=a.mp3"], ["song=a.mp3", "style=noir", "seed=1"]]
)
def test_the_budget_of_other_work_has_another_name(other: list[str]) -> None:
    assert budget_name(other) != budget_name(["song=a.mp3", "style=noir"])


def test_the_jobs_of_a_sweep_share_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUDGET_ENV, "the sweep")
    accounts = [account_of(str(tmp_path), tmp_path / job, [f"style={job}"]) for job in ("neon", "noir")]
    assert [account.budget for account in accounts] == ["the sweep", "the sweep"]
    assert [account.run for account in accounts] == [str(tmp_path / "neon"), str(tmp_path / "noir")]


def test_an_account_is_kept_beside_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert account_of("outputs", tmp_path, []).ledger == ledger_of(tmp_path / "outputs")
    assert ledger_of("outputs").path == tmp_path / "outputs" / "ledger.sqlite"


# -- the manifest ----------------------------------------------------------------------------------------------------


def account(tmp_path: Path) -> Account:
    return account_of(str(tmp_path), tmp_path / "run", [])


def ordered(account: Account, state: str = "", price: Decimal | None = CENT, cost: Decimal | None = None) -> None:
    order = account.ledger.begin("a picture", "trial", price, budget=account.budget, run=account.run, cap=None)
    if state:
        account.ledger.end(order, state, cost)


def booked(account: Account, **record: str) -> Manifest:
    manifest = Manifest(stages=[StageRecord(node="pictures", stage="paint_pictures", key="k", **record)])  # type: ignore[arg-type]
    book(manifest, account)
    return manifest


def test_a_run_without_money_says_nothing_of_it(tmp_path: Path) -> None:
    manifest = booked(account(tmp_path), saved_usd="0")
    assert (manifest.money, told(manifest)) == ({}, "")


def test_the_manifest_says_what_was_spent_saved_and_is_in_doubt(tmp_path: Path) -> None:
    paying = account(tmp_path)
    ordered(paying, "kept", cost=Decimal("0.003"))
    ordered(paying, "spoiled")
    ordered(paying, "paid", price=None)
    ordered(paying, "cancelled")
    ordered(paying)
    manifest = booked(paying, saved_usd="0.02")
    expected = {
        "spent_usd": "0.013", "saved_usd": "0.02", "reserved_usd": "0.01", "bought": 3, "in_doubt": 1, "unpriced": 1,
    }  # fmt: skip
    assert {name: manifest.money[name] for name in expected} == expected
    assert told(manifest) == (
        "spent $0.013 on 3 pictures (1 in vain, 1 without a price), saved $0.02 by reuse, 1 orders in doubt ($0.01), "
        "which the next run asks for"
    )


def test_a_run_that_only_reused_says_what_that_saved(tmp_path: Path) -> None:
    assert told(booked(account(tmp_path), saved_usd="0.02")) == "nothing spent, saved $0.02 by reuse"


def test_amounts_have_no_exponent(tmp_path: Path) -> None:
    paying = account(tmp_path)
    ordered(paying, "kept", cost=Decimal(100))
    ordered(paying, price=Decimal("0.000000001"))
    money = booked(paying).money
    assert (money["spent_usd"], Decimal(money["reserved_usd"])) == ("100", Decimal("0.000000001"))


def test_another_runs_money_is_not_told(tmp_path: Path) -> None:
    other = account_of(str(tmp_path), tmp_path / "another run", [])
    ordered(other, "kept")
    assert booked(account(tmp_path)).money == {}


def test_saved_by_counts_a_picture_that_two_shots_show_once() -> None:
    def picture(name: str, cost: Decimal | None) -> Picture:
        file = File(path=Path(name), sha256=name, size_bytes=1)
        return Picture(file=file, width_px=64, height_px=36, provider="p", seed=1, prompt="", cost=cost)

    shots = (picture("a", CENT), picture("b", None), picture("a", CENT), picture("c", 2 * CENT))
    assert saved_by(Pictures(width_px=64, height_px=36, pictures=shots)) == 3 * CENT


@pytest.mark.parametrize("override", ["stages.pictures.budget_usd=5", "image.deadline_s=600", "++image.tries=9"])
def test_budget_is_the_same_for_another_try_at_the_same_work(override: str) -> None:
    assert budget_name([override, "style=noir"]) == budget_name(["style=noir"])
