"""Pictures bought by whole runs of `run.py`: killed, side by side in a sweep, with a wrong key, with none.

The service is the fake of `tests.fakes.runware`, which outlives every run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.pictures_commands import Buying, events
from tests.fakes.runware.process import fake_runware
from tests.fakes.runware.script import Script

__all__ = ["keys", "kills", "stage_rate", "sweep"]

_SOME = {
    "rate_limit": 0.03, "internal_error": 0.02, "drop_abrupt": 0.04, "drop_clean": 0.02, "silent": 0.02,
    "silent_lost": 0.02, "result_twice": 0.03, "corrupt": 0.03, "missing": 0.02, "http_500_once": 0.03,
}  # fmt: skip
_STARTS_WITHIN_S = 120.0


# -- kill -9 ---------------------------------------------------------------------------------------------------------


def kills(
    folder: Path, count: int, seed: int, *, key: str, overrides: Sequence[str], service_s: float = 0.3
) -> dict[str, Any]:
    """A run that is killed with its whole process group, at random moments of its buying, and begun again each time."""
    script = Script(key=key, service_s=service_s, seed=seed, faults=_SOME, duplicates="rerun")
    chance, killed = random.Random(seed), 0
    command = (*overrides, "image.answer_s=4")
    with fake_runware(folder / "fake", **asdict(script)) as fake:
        buying = Buying(folder, fake.url, key)
        for _ in range(count):
            killed += _killed(buying, command, chance.uniform(0, 1.5))
        bought_before = len(fake.ledger())
        rc, tries = 1, 0
        while rc and tries < 3:  # a picture may fail by chance, as `tries` bad files in a row
            rc, tries = buying.run(*command), tries + 1
        time.sleep(2 * service_s)  # what a killed run has ordered is charged when it is done
    books = buying.books(script)
    faults = books.faults + ([] if rc == 0 else [f"the last run ended with {rc}"])
    if buying.kept() != books.pictures:
        faults.append(f"{buying.kept()} pictures are kept of {books.pictures}")
    return {
        "kills": killed, "asked": count, "bought_before_the_last_run": bought_before, "runs_to_the_end": tries,
        "kept": buying.kept(), "faults": faults, **books.told(),
    }  # fmt: skip


def _killed(buying: Buying, command: Sequence[str], after_s: float) -> bool:
    """Starts the command and kills its group so long after it has begun to buy; False where it had ended by then."""
    before = _buying_began(buying.outputs)
    process = buying.start(*command)
    end = time.monotonic() + _STARTS_WITHIN_S
    while _buying_began(buying.outputs) == before and process.poll() is None and time.monotonic() < end:
        threading.Event().wait(0.02)
    try:
        process.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def _buying_began(outputs: Path) -> int:
    return sum(event["node"] == "pictures" for event in events(outputs, "StageStarted"))


# -- the rate of a whole stage ---------------------------------------------------------------------------------------


def stage_rate(folder: Path, at_once: int, *, key: str, min_images: int, service_s: float = 1.0) -> dict[str, Any]:
    """A run without a fault: its stage `pictures` against the time that the service itself takes."""
    script = Script(key=key, service_s=service_s)
    with fake_runware(folder / "fake", **asdict(script)) as fake:
        buying = Buying(folder, fake.url, key)
        rc = buying.run(f"min_images={min_images}", f"image.concurrency={at_once}")
    books = buying.books(script)
    [began] = [event["at"] for event in events(buying.outputs, "StageStarted") if event["node"] == "pictures"]
    had = max(event["at"] for event in events(buying.outputs, "Progress") if event["node"] == "pictures")
    ended = [event["at"] for event in events(buying.outputs, "StageFinished") if event["node"] == "pictures"]
    least_s = books.pictures / at_once * service_s
    return {
        "pictures": books.pictures, "at_once": at_once, "least_s": least_s, "buying_s": round(had - began, 2),
        "stage_s": round(ended[0] - began, 2), "ratio": round((had - began) / least_s, 3),
        "stage_ratio": round((ended[0] - began) / least_s, 3), "faults": books.faults + ([] if rc == 0 else ["failed"]),
        **books.told(),
    }  # fmt: skip


# -- a sweep ---------------------------------------------------------------------------------------------------------


def sweep(folder: Path, *, key: str, overrides: Sequence[str], at_once: int, share: float) -> dict[str, Any]:
    """Jobs side by side that share pictures and a budget: first one for a share of the pictures, then one for all."""
    script = Script(
        key=key,
        service_s=0.2,
        faults={"drop_clean": 0.02, "result_twice": 0.05, "silent": 0.01},
        duplicates="rerun",
    )
    with fake_runware(folder / "fake", **asdict(script)) as fake:
        buying = Buying(folder, fake.url, key)
        command = ("-m", *overrides, f"hydra.launcher.n_jobs={at_once}", "image.answer_s=4")
        rc_dry = buying.run(*command, "run.dry=true")
        wanted = _wanted(buying.outputs)
        cap = Decimal(script.cost) * int(len(wanted) * share)
        rc_small = buying.run(*command, f"budget_usd={cap}")
        spent_small, kept_small, said = sum((c.cost for c in fake.ledger()), Decimal(0)), buying.kept(), buying.said()
        rc_large = buying.run(*command, f"budget_usd={Decimal(script.cost) * len(wanted)}")
    books = buying.books(script)
    there = {
        "the forecast failed": rc_dry != 0,
        "the small budget did not stop the sweep": rc_small == 0,
        f"{spent_small} was spent of {cap}": spent_small > cap + Decimal(script.cost),
        f"{kept_small} pictures are kept, {spent_small} was spent": kept_small * Decimal(script.cost) != spent_small,
        "no job says what is missing": "pictures are missing, the others are kept" not in said,
        f"with the larger budget it ended with {rc_large}": rc_large != 0,
        f"{books.pictures} pictures were bought of {len(wanted)}": books.pictures != len(wanted),
        f"{buying.kept()} are kept": buying.kept() != len(wanted),
    }
    return {
        "jobs": _jobs(buying.outputs), "distinct": len(wanted), "budget_usd": str(cap),
        "spent_small_usd": str(spent_small), "kept_small": kept_small,
        "faults": books.faults + [fault for fault, found in there.items() if found], **books.told(),
    }  # fmt: skip


def _wanted(outputs: Path) -> set[str]:
    """The keys of what the jobs of a forecast would buy, each once."""
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in outputs.rglob("manifest.json")]
    return {key for manifest in manifests for key in manifest["quote"]}


def _jobs(outputs: Path) -> list[int]:
    """How many pictures each job of the last sweep asks for."""
    last = max(path for path in (outputs / "sweeps").iterdir() if path.is_dir())
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(last.rglob("manifest.json"))]
    return [manifest["pictures"].get("asked", 0) for manifest in found]


# -- keys ------------------------------------------------------------------------------------------------------------


def keys(folder: Path, *, key: str, wrong: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A wrong key, and none: one sentence each, and nothing was done before it. Each is tried twice: the first command
    of an empty folder also composes the demo song, where that one is asked for."""
    with fake_runware(folder / "fake", **asdict(Script(key=key))) as fake:
        found: dict[str, Any] = {}
        faults: list[str] = []
        for name, given in (("wrong", wrong), ("missing", None)):
            buying = Buying(folder / name, fake.url, given)
            for which in ("first", "again"):
                began = time.monotonic()
                rc = buying.run(*overrides)
                found[f"{name}_{which}_s"] = round(time.monotonic() - began, 2)
                faults += [f"{name} key: ended with {rc}"] if rc != 1 else []
            found[name] = buying.said().splitlines()[-1]
            faults += [f"{name} key: {fault}" for fault in _refused_before_work(buying)]
        if fake.received():
            faults.append("something was ordered")
    return found | {"load": round(os.getloadavg()[0], 1), "faults": faults}


def _refused_before_work(buying: Buying) -> list[str]:
    """What speaks against it that the two commands of a folder ended with the same sentence, before any work."""
    said = buying.said().strip().splitlines()
    there = {
        f"{len(said)} lines were said": len(said) != 2 or not said[0].startswith("error: ") or said[0] != said[1],
        "beats were tracked": (buying.outputs / "cache" / "track_beats").exists(),
        "a stage was started": any(events(buying.outputs, "StageStarted")),
    }
    return [fault for fault, found in there.items() if found]
