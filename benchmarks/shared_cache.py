"""What a shared cache saves a second machine, and what it costs the first one.

The same video three times, each in an empty outputs folder: without a shared cache, with an empty one (the first
machine), with a full one (the second machine). CPU seconds are those of the whole command; in 'stages' are the wall
seconds of what is shared: beats, pictures and video. Exits with 1 where the second machine made a picture or a chunk,
or where the videos differ.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import measure, table, write_json

_SHARED = ("beats", "pictures", "video")


def run(outputs: Path, url: str, overrides: list[str]) -> dict[str, Any]:
    """One run: its costs, what it made, and its video's bytes."""
    line = [sys.executable, "run.py", *overrides, f"outputs={outputs}", f"run.cache_url={url}"]
    cost = measure(line)
    video = Path(cost.stdout.strip().splitlines()[-1])
    records = json.loads((video.parent / "manifest.json").read_text(encoding="utf-8"))["stages"]
    shared = [record for record in records if record["node"] in _SHARED]
    return {
        "cpu_s": cost.cpu_s,
        "wall_s": cost.wall_s,
        "stages_s": sum(record["seconds"] for record in shared),
        "made": {record["node"]: record["made"] for record in shared},
        "video": video.read_bytes(),
    }


def main() -> int:
    """Prints the table; arguments that are left over are overrides of the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--url", default="", help="an empty place, such as s3://BUCKET/FOLDER; one repeat then")
    parser.add_argument("--json", type=Path)
    given, overrides = parser.parse_known_args()
    kinds: dict[str, list[dict[str, Any]]] = {"no shared cache": [], "first machine": [], "second machine": []}
    sizes = []
    with tempfile.TemporaryDirectory(prefix="qmv-bench-") as folder:
        for number in range(1 if given.url else given.repeats):
            work = Path(folder, str(number))
            url = given.url or str(work / "shared")
            for place, kind in enumerate(kinds):
                kinds[kind].append(run(work / str(place), url if place else "", overrides))
            sizes.append(sum(file.stat().st_size for file in (work / "shared").rglob("*.qmv1")))
    rows = [
        [kind, *(f"{statistics.median(run[name] for run in runs):.2f}" for name in ("cpu_s", "wall_s", "stages_s"))]
        for kind, runs in kinds.items()
    ]
    table("a video on machines with a shared cache", ["", "CPU s", "wall s", "stages s"], rows)
    print(f"{sizes[0] / 1e6:.1f} MB in the shared cache; the second machine made {kinds['second machine'][0]['made']}")
    if given.json:
        write_json(given.json, "shared_cache", {kind: [_plain(run) for run in runs] for kind, runs in kinds.items()})
    made = any(any(run["made"].values()) for run in kinds["second machine"])
    differ = len({run["video"] for runs in kinds.values() for run in runs}) > 1
    return 1 if made or differ else 0


def _plain(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name != "video"}


if __name__ == "__main__":
    sys.exit(main())
