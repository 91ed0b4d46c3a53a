"""How quickly QMV starts and how little it does twice.

Four figures: `run.py --help`; the same command a second time (nothing is encoded); one changed picture of 32 (at most
two chunks are encoded anew, with hard cuts and with crossfades); and which heavy libraries `import qmv` and the
plugins' registry load (none). Exits with 1 where one of the last three does not hold.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import REPO, Cost, measure, table, write_json
from benchmarks.screen import pattern_pictures

HEAVY = ("librosa", "moviepy", "av", "cv2", "google", "runware", "numpy", "scipy", "PIL", "joblib", "flask", "celery")
MAX_CHUNKS = 2
_PICTURES, _CHANGED = 32, 9
_PROBE = """
import json, sys
import qmv
from qmv.engine.registry import Registry
Registry()
print(json.dumps(sorted(sys.modules)))
"""


def help_costs(count: int) -> list[Cost]:
    return [measure([sys.executable, "run.py", "--help"]) for _ in range(count)]


def loaded_libraries() -> list[str]:
    """The heavy libraries that a fresh process has loaded once it knows every plugin."""
    modules = set(json.loads(measure([sys.executable, "-c", _PROBE]).stdout))
    return [name for name in HEAVY if name in modules]


def make(pictures: Path, outputs: Path, transition: str) -> tuple[Cost, dict[str, Any]]:
    """A run of the demo song with a picture every three beats, and its manifest."""
    settings = {
        "song": "demo", "image": "folder", "image.path": pictures, "quality": "draft", "width": 256, "height": 144,
        "beats_per_image": 3, "transition": transition, "outputs": outputs,
    }  # fmt: skip
    cost = measure([sys.executable, "run.py", *(f"{key}={value}" for key, value in settings.items())])
    folder = Path(cost.stdout.strip().splitlines()[-1]).parent
    return cost, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def redone(manifest: dict[str, Any]) -> list[str]:
    """The stages that were not loaded from the cache though they can be."""
    from qmv.engine.registry import Registry

    registry = Registry()
    stages = [record for record in manifest["stages"] if not record["cached"]]
    return [record["node"] for record in stages if getattr(registry.get("stage", record["stage"]).cls, "cached", True)]


def encoded(manifest: dict[str, Any]) -> tuple[int, int]:
    """(chunks encoded, chunks in all)"""
    record = next(record for record in manifest["stages"] if record["node"] == "video")
    return (0 if record["cached"] else record["made"]), record["total"] or 0


def rerun(transition: str, work: Path) -> dict[str, Any]:
    """A run into an empty folder, the same three times again, and one with a changed picture."""
    pictures, outputs = work / f"pictures-{transition}", work / f"outputs-{transition}"
    pattern_pictures(pictures, _PICTURES, 256, 144)
    first, manifest = make(pictures, outputs, transition)
    again = [make(pictures, outputs, transition) for _ in range(3)]
    changed = pictures / f"{_CHANGED:03}.png"
    changed.write_bytes(_inverted(changed))
    after, changed_manifest = make(pictures, outputs, transition)
    return {
        "transition": transition,
        "shots": _shots(manifest),
        "chunks": encoded(manifest)[1],
        "first_s": first.wall_s,
        "first_cpu_s": first.cpu_s,
        "again_s": statistics.median(cost.wall_s for cost, _ in again),
        "again_cpu_s": statistics.median(cost.cpu_s for cost, _ in again),
        "again_redone": sorted({node for _, found in again for node in redone(found)}),
        "changed_s": after.wall_s,
        "changed_cpu_s": after.cpu_s,
        "changed_chunks": encoded(changed_manifest)[0],
    }


def _shots(manifest: dict[str, Any]) -> int:
    return next(int(record["total"]) for record in manifest["stages"] if record["node"] == "storyboard")


def _inverted(picture: Path) -> bytes:
    from qmv.media.picture import png, read

    return png(255 - read(picture))


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.startup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--repeat", type=int, default=7, help="how often --help is run (7)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    helps = help_costs(options.repeat)
    help_s, help_cpu_s = (statistics.median(getattr(cost, name) for cost in helps) for name in ("wall_s", "cpu_s"))
    libraries = loaded_libraries()
    with tempfile.TemporaryDirectory(prefix="qmv-startup-") as name:
        runs = [rerun(transition, Path(name)) for transition in ("cut", "crossfade")]
    table("start-up", ["what", "wall s", "CPU s"], _rows(help_s, help_cpu_s, runs))
    for run in runs:
        anew = ", ".join(run["again_redone"]) or "nothing"
        print(
            f"{run['transition']}: {run['shots']} shots, {run['chunks']} chunks; "
            f"again: {anew} made anew, {run['again_s'] - help_s:+.2f} s against --help; "
            f"one picture changed: {run['changed_chunks']} chunks encoded (at most {MAX_CHUNKS})"
        )
    print(f"loaded by `import qmv` and Registry(), of {', '.join(HEAVY)}: {', '.join(libraries) or 'none'}")
    figures = {"help_s": help_s, "help_cpu_s": help_cpu_s, "help_rounds_s": [cost.wall_s for cost in helps]}
    write_json(options.json, "startup", figures | {"loaded": libraries, "runs": runs})
    good = not libraries and all(not run["again_redone"] and 0 < run["changed_chunks"] <= MAX_CHUNKS for run in runs)
    return 0 if good else 1


def _rows(help_s: float, help_cpu_s: float, runs: list[dict[str, Any]]) -> list[list[object]]:
    rows: list[list[object]] = [["run.py --help", help_s, help_cpu_s]]
    for run in runs:
        for name, text in (("first", "first run"), ("again", "the same again"), ("changed", "one picture changed")):
            rows.append([f"{run['transition']}, {text}", run[f"{name}_s"], run[f"{name}_cpu_s"]])
    return rows


if __name__ == "__main__":
    sys.path.insert(0, str(REPO))
    sys.exit(main())
