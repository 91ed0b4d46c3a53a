"""What the proof costs beside the rendering: CPU seconds of `prove_sync` and of `assemble_video` for the same video.

Canvas pictures, 2 s each, 1024x1024 at 24 fps, one worker; each in a process of its own, start-up and imports not
counted, since a run has them once. The decoder alone, which the proof cannot do without, is told as well.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import measure, table, write_json

_CODE = """
import json, resource, sys
from pathlib import Path
from benchmarks.render_job import CASES, inputs
from qmv.api import Cache, Context
from qmv.artifacts import File, Video
from qmv.engine.parallel import Mapper
from qmv.plugins.encoder.x264 import X264
from qmv.stages.assemble_video import AssembleVideo
from qmv.stages.prove_sync import ProveSync

what, case, pictures, work, seconds, size = sys.argv[1:]
motion, transition = CASES[case]
given = inputs(Path(pictures), int(seconds), int(size), 24)
work = Path(work)
(work / "made").mkdir(exist_ok=True)
ctx = Context(
    node="trial", folder=work / "made", cache=Cache(work / "cache"), run_folder=work, workers=1,
    publish=lambda _: None, parallel=Mapper(()),
)
import av, cv2, PIL.Image

def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

film = work / "made" / "video.mp4"
began = cpu_s()
said = ""
if what == "rendering":
    AssembleVideo(motion=motion, transition=transition, encoder=X264()).run(ctx, **given)
elif what == "decoding":
    with av.open(str(film)) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            pass
else:
    plan = given["storyboard"]
    video = Video(
        file=File.of(film), width_px=int(size), height_px=int(size), fps=plan.fps, frames=plan.frames, title=""
    )
    said = ProveSync(motion=motion, transition=transition).run(ctx, **given, video=video).summary
print(json.dumps([cpu_s() - began, said]))
"""


def main() -> None:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.proof_cost", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("--seconds", type=int, default=64)
    made.add_argument("--size", type=int, default=1024)
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    from benchmarks.render_job import CASES, paint

    found = []
    with tempfile.TemporaryDirectory(prefix="qmv-proof-") as name:
        work = Path(name)
        paint(work / "pictures", options.seconds // 2, options.size)
        for number, case in enumerate(CASES):
            folder = work / str(number)
            folder.mkdir()
            words = [case, str(work / "pictures"), str(folder), str(options.seconds), str(options.size)]
            row: dict[str, Any] = {"case": case}
            for what in ("rendering", "decoding", "proof"):
                cpu_s, said = json.loads(measure([sys.executable, "-c", _CODE, what, *words]).stdout)
                row[what] = cpu_s
            found.append(row | {"share": row["proof"] / row["rendering"], "summary": said})
    columns = ("case", "rendering, CPU s", "decoding, CPU s", "proof, CPU s", "of rendering", "")
    table("the proof beside the rendering, one worker", columns, ([*row.values()] for row in found))
    write_json(options.json, "proof_cost", {"cases": found})


if __name__ == "__main__":
    main()
