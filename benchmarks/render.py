"""What a video costs: QMV against x264 alone, MoviePy and one ffmpeg filter graph, on the same pictures, in one run.

Each video is rendered by the stage assemble_video (reading the pictures, moving and mixing them, encoding, joining; a
song so short that its AAC costs nothing), with one worker and with two. The very same frames, written to a raw YUV
file before, are then encoded by x264 alone: by the ffmpeg program with -threads 1 and with its own threads, and by
PyAV in one stream. MoviePy (assemble_moviepy) and a filter graph (looped pictures or zoompan, chained xfade) make the
whole video from the pictures. All have the same preset and crf. Motion with crossfades is also made by MoviePy with
its own defaults, medium crf 23, and once more with its own resized() instead of our camera. All are whole processes:
start-up and reading of the input are counted.

CPU is user + system seconds of all processes of a command, memory the most that they have together (PSS, so shared
pages count once; MB of 10^6 bytes), VMAF compares the file with the raw frames (its mean, and its worst frame). The
rounds are interleaved, the figures medians, the ratios medians of each round's own; MoviePy and the graph have one.

what costs how long, on 2 cores:
  the default run          about 30 min, 1 GB of temporary files (raw frames: 36 MB a second at 1024x1024/24, 93 MB at
                           1920x1080/30); 20 s and 10 s of video, 2 rounds
  a round of one case      1 min for motion, 20 s for stills
  --only growth            10 min: 1 and 20 min of stills, 1 and 5 min of motion, with 2 workers
  --only qmv,x264          10 min (the ratios to x264 alone)
  --seconds 60 --size 1920x1080/30 --case 'motion, crossfade' --only qmv,x264
                           10 min, 6 GB: a minute, in which the start of two workers hardly counts
  --quick                  under 3 min: small and short, mostly start-up; shows that all runs, judges nothing
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import render_growth
from benchmarks.measure import table, write_json
from benchmarks.render_bench import PAINTED, Job, Result, render_case, run_job
from benchmarks.render_cases import ALL, EFFECTS, SHOT_S, THREE_EFFECTS, Size, missing_effects, x264_options
from benchmarks.render_growth import Grown, Length, grow
from benchmarks.render_report import Limit, case_limits, cell, figures, growth_limits, row

GROUPS = ("qmv", "x264", "moviepy", "ffmpeg", "vmaf", "growth")
_FULL = {"sizes": ("1024x1024/24", "1920x1080/30"), "seconds": (20, 10), "repeat": 2,
         "growth": ("1:stills", "20:stills", "1", "5"), "growth_size": "1920x1080/30"}  # fmt: skip
_QUICK = {"sizes": ("512x512/24", "640x360/30"), "seconds": (4, 4), "repeat": 1,
          "growth": ("0.1:stills", "0.5:stills", "0.1", "0.3"), "growth_size": "640x360/30"}  # fmt: skip
_COLUMNS = ("case", "by", "CPU s", "wall s", "peak MB", "CPU: x264", "wall: ffmpeg", "MB", "VMAF", "worst")
_GROWTH = ("case", "min", "CPU s a min", "wall s", "x real time", "peak MB", "MB")


def main() -> int:
    options = _options()
    only, limits, ways, grown = set(options.only), list[Limit](), list[dict[str, Any]](), list[Grown]()
    with tempfile.TemporaryDirectory(prefix="qmv-render-", dir=options.work) as work:
        start_s = _start_up(_job(options, options.size[0], ALL[0], SHOT_S, work))
        for size, seconds in zip(options.size, options.seconds) if only - {"growth", "vmaf"} else ():
            for case in _cases(options.case):
                results = render_case(
                    _job(options, size, case, seconds, work), options.repeat, only, options.vmaf_every
                )
                ways += _shown(results)
                limits += case_limits(results)
        for length in options.growth if "growth" in only else ():
            job = _job(options, options.growth_size, length.case, round(length.minutes * 60), work)
            print(f"growth: {length.minutes:g} min of {length.case}", file=sys.stderr, flush=True)
            grown.append(grow(job))
        limits += growth_limits(grown)
    return _report(options, ways, grown, limits, start_s)


def _job(options: argparse.Namespace, size: Size, case: str, seconds: int, work: str) -> Job:
    """With its pictures painted, where they are not the user's own."""
    from benchmarks.render_job import paint

    folder = options.pictures or Path(tempfile.gettempdir()) / f"qmv-benchmark-pictures-{size.width}x{size.height}"
    if options.pictures is None:
        paint(folder, min(PAINTED, max(1, seconds // SHOT_S)), size.width, size.height)
    return Job(
        case=case, size=size, seconds=seconds, preset=options.preset, crf=options.crf, pictures=folder.absolute(),
        work=Path(work).absolute(),
    )  # fmt: skip


def _start_up(job: Job) -> float:
    return statistics.median(run_job(job, "start").cpu_s for _ in range(3))


def _cases(part: str) -> list[str]:
    from qmv.engine.registry import Registry

    cases = [part] if part in ALL else [case for case in ALL if part in case]
    if THREE_EFFECTS in cases and (missing := missing_effects(Registry())):
        print(f"{THREE_EFFECTS} ({', '.join(EFFECTS)}): skipped, this QMV has no {', '.join(missing)}")
        cases.remove(THREE_EFFECTS)
    return cases


def _shown(results: list[Result]) -> list[dict[str, Any]]:
    found = [figures(result, results) for result in results]
    job = results[0].job
    table(f"{job.frames} frames of {job.size}, {job.preset} crf {job.crf:g}", _COLUMNS, map(row, found))
    return found


def _report(
    o: argparse.Namespace, ways: list[dict[str, Any]], grown: list[Grown], limits: list[Limit], start_s: float
) -> int:
    lengths = [render_growth.figures(one) for one in grown]
    if lengths:
        forms = {"minutes": "g", "cpu_s_a_minute": ".1f", "wall_s": ".1f", "real_time": ".2f", "peak_mb": ".0f"}
        cells = [[one["case"], *(cell(one[key], form) for key, form in forms.items())] for one in lengths]
        rows = [[*some, f"{one['bytes'] / 1e6:.1f}"] for some, one in zip(cells, lengths)]
        table(f"growth, {o.growth_size}, {render_growth.WORKERS} workers", _GROWTH, rows)
    print(f"start-up of a Python process with PyAV, OpenCV and Pillow, counted above: {start_s:.2f} CPU s")
    print(f"x264-params of QMV and of x264 alone: {x264_options(o.preset, o.crf)['x264-params']}")
    missed = [limit for limit in limits if not limit.kept]
    if not o.quick:
        table("limits", ("claim", "measured", "limit", "", ""), map(_verdict, limits))
    chosen = {name: str(value) for name, value in vars(o).items() if name != "json"}
    verdicts = [{**vars(limit), "kept": limit.kept} for limit in limits]
    found = {"options": chosen, "start_cpu_s": start_s, "rows": ways, "growth": lengths, "limits": verdicts}
    write_json(o.json, "render", found)
    return 1 if missed and o.strict else 0


def _verdict(limit: Limit) -> list[str]:
    bound = f"{'>=' if limit.at_least else '<='} {limit.limit:.2f}"
    return [limit.claim, f"{limit.value:.2f}", bound, "kept" if limit.kept else "MISSED", limit.note]


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--size", type=Size.of, nargs="+", metavar="WxH/FPS", help="one or more (1024x1024/24 1920x1080/30)"
    )
    made.add_argument("--seconds", type=int, nargs="+", help="of video, a picture every 2 s, for each size (20 10)")
    made.add_argument("--repeat", type=int, help="interleaved rounds (2)")
    made.add_argument("--case", default="", help=f"a case, or a part of the names of some; all: {'; '.join(ALL)}")
    made.add_argument("--only", type=_groups, default=GROUPS, help=f"some of {','.join(GROUPS)}; vmaf needs another")
    made.add_argument("--growth", type=Length.of, nargs="+", metavar="MIN:CASE", help="(1:stills 20:stills 1 5)")
    made.add_argument("--growth-size", type=Size.of, metavar="WxH/FPS", help="(1920x1080/30)")
    made.add_argument("--preset", default="veryfast", help="x264's preset (veryfast)")
    made.add_argument("--crf", type=float, default=18.0, help="x264's quality (18)")
    made.add_argument("--vmaf-every", type=int, default=5, metavar="N", help="VMAF looks at one frame in N (5)")
    made.add_argument("--pictures", type=Path, help="a folder of your own pictures instead of painted ones")
    made.add_argument("--quick", action="store_true", help="under 3 minutes; the limits are not judged")
    made.add_argument("--strict", action="store_true", help="exit 1 where a limit is missed")
    made.add_argument("--work", type=Path, help="where temporary files go (the system's folder for them)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    if options.quick and options.strict:
        made.error("--quick is mostly start-up and keeps no limit; leave out one of --quick and --strict")
    return _filled(options)


def _filled(o: argparse.Namespace) -> argparse.Namespace:
    """With the defaults of the full or of the quick run."""
    default: dict[str, Any] = _QUICK if o.quick else _FULL
    o.size = o.size or [Size.of(text) for text in default["sizes"]]
    given = o.seconds or default["seconds"]
    o.seconds = [given[min(number, len(given) - 1)] for number in range(len(o.size))]
    o.repeat = o.repeat or default["repeat"]
    o.growth = o.growth or [Length.of(text) for text in default["growth"]]
    o.growth_size = o.growth_size or Size.of(default["growth_size"])
    return o


def _groups(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(GROUPS)):
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not known; known: {','.join(GROUPS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
