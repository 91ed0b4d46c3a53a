"""Proves that pictures that cost money are paid for once each, whatever happens, and that nothing waits for long.

The provider `runware` buys by the official SDK from a local service in a process of its own, which breaks by script
and keeps its own books; QMV's ledger is compared with them order by order. Seven parts: mixed faults on every fourth
message or more; kill -9 of whole runs while they buy; the rate without faults; an outage; a sweep whose jobs share
pictures and a budget; a wrong key and none; and last, whether the key was written down anywhere. A picture may be
bought again only where the file of the earlier purchase is bad for good. Exits with 1 where anything does not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import pictures_direct as direct
from benchmarks import pictures_runs as runs
from benchmarks.measure import REPO, table, write_json
from benchmarks.pictures_commands import leaks

PARTS = ("faults", "kills", "rate", "outage", "sweep", "keys")
MAX_RATIO = 1.3  # of the time that the service itself takes
MAX_KEY_S = 5.0  # until a wrong key is told, where the song is there
AXES = ("seed=0,1", "beats_per_image=4,3")  # two seeds with no picture in common; each twice, with 24 pictures of 33
WRONG_KEY = "wrong-key-9f31aa27"
_MONEY = ("charged", "bought again", "paid twice", "charged, $", "booked, $", "verdict")


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="one seed, 40 pictures, 2 kills, an outage of 10 s")
    made.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts (all)")
    made.add_argument("--seeds", nargs="+", type=int, help="of the faults (1 2 3 4 5)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="qmv-pictures-") as name:
        work = Path(name)
        for part in options.only:
            figures[part] = _PARTS[part](work / part, options.quick, options.seeds)
        files, leaked = leaks(work, [direct.KEY, WRONG_KEY])
    figures["secrets"] = {"files": files, "leaked": leaked}
    print(f"the keys are in {len(leaked)} of {files} files that were written")
    write_json(options.json, "pictures", figures)
    found = [run for part in options.only for run in figures[part]]
    return 1 if leaked or any(run["faults"] for run in found) else 0


# -- the parts: each measures, prints a table, and gives its figures -------------------------------------------------


def _faults(work: Path, quick: bool, seeds: list[int] | None) -> list[dict[str, Any]]:
    count, found = 40 if quick else 200, []
    for seed in seeds or ([1] if quick else [1, 2, 3, 4, 5]):
        for duplicates in ("conflict", "rerun"):
            found.append(_timed(direct.under_faults, work / f"{seed}-{duplicates}", seed, duplicates, count))
            print(f"faults, seed {seed}, {duplicates}: {_verdict(found[-1])}", file=sys.stderr, flush=True)
    _print(
        f"mixed faults, {count} pictures, 8 at once, deadline 40 s; what failed is asked for again until all is there",
        ("seed", "same order", "had at once", "failed", "passes", "messages", "longest s", "s"),
        ("seed", "duplicates", "delivered", "failed", "passes", "messages", "longest_s", "wall_s"),
        found,
    )
    return found


def _kills(work: Path, quick: bool, seeds: list[int] | None) -> list[dict[str, Any]]:
    count = 2 if quick else 10
    more = {"key": direct.KEY, "overrides": [f"min_images={60 if quick else 200}"]}
    found = [_timed(runs.kills, work / str(seed), count, seed, **more) for seed in seeds or [1]]
    names = ("kills", "kept", "bought_before_the_last_run", "runs_to_the_end")
    _print(
        "kill -9 of a run and all its processes while it buys, 4 at once, 0.3 s a picture, some faults",
        ("kills", "pictures kept", "charged before the last run", "runs to the end"), names, found,
    )  # fmt: skip
    return found


def _rate(work: Path, quick: bool, seeds: list[int] | None) -> list[dict[str, Any]]:
    service_s = 0.5 if quick else 1.0
    provider = _timed(direct.rate, work / "provider", 64, 8, service_s)
    stage = _timed(runs.stage_rate, work / "stage", 8, key=direct.KEY, min_images=64, service_s=service_s)
    found = [{"what": "the provider", "buying_s": provider["wall_s"]} | provider, {"what": "a run's stage"} | stage]
    for run in found:
        if run["ratio"] >= MAX_RATIO:
            run["faults"].append(f"takes {run['ratio']} of the service's own time, at most {MAX_RATIO}")
    names = ("what", "pictures", "least_s", "buying_s", "ratio")
    _print(
        f"no faults, 8 at once, {service_s:g} s a picture",
        ("by", "pictures", "the service's own s", "s", "ratio"), names, found,
    )  # fmt: skip
    print(f"the whole stage with cropping and keeping: {stage['stage_s']} s, {stage['stage_ratio']} of the service's\n")
    return found


def _outage(work: Path, quick: bool, seeds: list[int] | None) -> list[dict[str, Any]]:
    found = [_timed(direct.outage, work, 40, 10 if quick else 60)]
    names = ("pictures", "down_s", "delivered", "longest_pause_s", "wall_s")
    _print("nobody listens for a while", ("pictures", "away s", "delivered", "longest pause s", "s"), names, found)
    return found


def _sweep(work: Path, quick: bool, seeds: list[int] | None) -> list[dict[str, Any]]:
    found = [_timed(runs.sweep, work, key=direct.KEY, overrides=AXES, at_once=4, share=0.5)]
    shown = [run | {"jobs": "+".join(map(str, run["jobs"]))} for run in found]
    names = ("jobs", "distinct", "budget_usd", "spent_small_usd", "kept_small")
    _print(
        "four jobs at once that share pictures and a budget for half of them, then one for all",
        ("pictures of the jobs", "different ones", "budget, $", "spent, $", "kept"), names, shown,
    )  # fmt: skip
    return found


def _keys(work: Path, quick: bool, seeds: list[int] | None) -> list[dict[str, Any]]:
    found = _timed(runs.keys, work, key=direct.KEY, wrong=WRONG_KEY)
    if found["wrong_again_s"] > MAX_KEY_S:
        found["faults"].append(f"a wrong key is told after {found['wrong_again_s']} s, at most {MAX_KEY_S:g}")
    rows = [
        [f"{name} key", found[f"{name}_first_s"], found[f"{name}_again_s"], found["load"], _verdict(found)]
        for name in ("wrong", "missing")
    ]
    columns = ("what", "s to its end, with composing the demo song", "without", "load", "verdict")
    table("a command without a good key", columns, rows)
    return [found]


_PARTS: dict[str, Callable[[Path, bool, list[int] | None], list[dict[str, Any]]]] = {
    "faults": _faults, "kills": _kills, "rate": _rate, "outage": _outage, "sweep": _sweep, "keys": _keys,
}  # fmt: skip


# -- telling ---------------------------------------------------------------------------------------------------------


def _timed(measure: Callable[..., dict[str, Any]], *given: Any, **more: Any) -> dict[str, Any]:
    """The figures with the machine's load before and after."""
    before = os.getloadavg()[0]
    return measure(*given, **more) | {"loads": [round(before, 1), round(os.getloadavg()[0], 1)]}


def _print(title: str, columns: tuple[str, ...], names: tuple[str, ...], found: list[dict[str, Any]]) -> None:
    money = ("charged", "again", "twice", "spent_usd", "booked_usd")
    rows = [[*(run[name] for name in (*names, *money)), _verdict(run)] for run in found]
    table(title, (*columns, *_MONEY), rows)


def _verdict(found: dict[str, Any]) -> str:
    return "; ".join(found["faults"]) or "good"


if __name__ == "__main__":
    sys.path.insert(0, str(REPO))
    sys.exit(main())
