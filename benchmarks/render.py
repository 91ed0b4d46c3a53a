"""What a video costs above its encoder: QMV's CPU seconds against those of x264 alone on the very same frames.

Each case is rendered by AssembleVideo (reading the pictures, moving and mixing them, encoding, joining; a song so
short that its AAC costs nothing), with one worker and with two. The same frames, written to a raw YUV file before,
are then encoded by x264 alone, twice: by the ffmpeg program with -threads 1, and by PyAV in one stream, which is the
very x264 that QMV uses. All have the same preset, crf and x264-params; all are whole processes, start-up and reading
of their input included. The rounds are interleaved and the medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, measure, median_cost, table, write_json
from benchmarks.render_job import CASES, SHOT_S, paint
from qmv.media.encode import x264_params

LIMITS = {"stills, cut": 1.20, "motion, cut": 1.35, "motion, crossfade 0.5 s": 1.35}
X264_PARAMS = x264_params()
_QMV, _QMV2, _FFMPEG, _PYAV, _MOVIEPY = "QMV, 1 worker", "QMV, 2 workers", "ffmpeg", "PyAV", "MoviePy"


@dataclass(kw_only=True)
class Bench:
    """The chosen sizes, and where the files lie."""

    options: argparse.Namespace
    work: Path
    pictures: Path
    costs: dict[tuple[str, str], list[Cost]] = field(default_factory=dict)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)

    def job(self, variant: str, case: str, *more: str) -> Cost:
        o = self.options
        flags = {
            "case": case, "pictures": self.pictures, "work": self.work, "raw": self.raw(case), "seconds": o.seconds,
            "size": o.size, "fps": o.fps, "preset": o.preset, "crf": o.crf,
        }  # fmt: skip
        pairs = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
        return measure([sys.executable, "-m", "benchmarks.render_job", variant, *pairs, *more])

    def raw(self, case: str) -> Path:
        return self.work / f"{list(CASES).index(case)}.yuv"

    def ffmpeg(self, case: str) -> Cost:
        import imageio_ffmpeg

        o, raw = self.options, self.raw(case)
        return measure(
            [
                imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p",
                "-s", f"{o.size}x{o.size}", "-r", str(o.fps), "-i", raw, "-c:v", "libx264", "-threads", "1",
                "-preset", o.preset, "-crf", f"{o.crf:g}", "-x264-params", X264_PARAMS, raw.with_suffix(".ffmpeg.mp4"),
            ]
        )  # fmt: skip

    def round(self, case: str) -> None:
        """One rendering of each kind, one after the other."""
        self._keep(case, _QMV, self.job("qmv", case))
        self._keep(case, _FFMPEG, self.ffmpeg(case), self.raw(case).with_suffix(".ffmpeg.mp4").stat().st_size)
        self._keep(case, _QMV2, self.job("qmv", case, "--workers", "2"))
        self._keep(case, _PYAV, self.job("pyav", case))
        if self.options.moviepy:
            try:
                self._keep(case, _MOVIEPY, self.job("moviepy", case))
            except RuntimeError as error:
                print(f"{case}: MoviePy failed: {str(error).strip().splitlines()[-1]}", file=sys.stderr)

    def _keep(self, case: str, name: str, cost: Cost, size: int | None = None) -> None:
        self.costs.setdefault((case, name), []).append(cost)
        self.sizes[case, name] = _bytes(cost) if size is None else size

    def ratio(self, case: str, name: str, baseline: str) -> float:
        """The median of the rounds' ratios: both sides of each saw the same load."""
        pairs = zip(self.costs[case, name], self.costs[case, baseline])
        return statistics.median(a.cpu_s / b.cpu_s for a, b in pairs)


def _bytes(cost: Cost) -> int:
    return int(cost.stdout.rpartition("{")[2].strip().removeprefix('"bytes": ').rstrip("}"))


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="qmv-render-", dir=options.work) as work:
        pictures = options.pictures or Path(tempfile.gettempdir()) / f"qmv-benchmark-pictures-{options.size}"
        bench = Bench(options=options, work=Path(work), pictures=pictures.absolute())
        if options.pictures is None:
            paint(pictures, options.seconds // SHOT_S, options.size)
        cases = [case for case in CASES if options.case in case]
        start = statistics.median(bench.job("start", cases[0]).cpu_s for _ in range(3))
        for case in cases:
            bench.job("raw", case)
            for _ in range(options.repeat):
                bench.round(case)
            bench.raw(case).unlink()
        return _report(bench, cases, start)


def _report(bench: Bench, cases: list[str], start: float) -> int:
    o, rows, figures = bench.options, [], []
    for (case, name), costs in bench.costs.items():
        wall_s, cpu_s = median_cost(costs)
        row: dict[str, Any] = {"case": case, "variant": name, "wall_s": wall_s, "cpu_s": cpu_s}
        row |= {f"ratio_to_{base.lower()}": bench.ratio(case, name, base) for base in (_FFMPEG, _PYAV)}
        figures.append(row | {"bytes": bench.sizes[case, name], "cpu_s_rounds": [cost.cpu_s for cost in costs]})
        rows.append([case, name, wall_s, cpu_s, *list(row.values())[-2:], bench.sizes[case, name]])
    frames = o.seconds // SHOT_S * SHOT_S * o.fps
    title = f"{frames} frames of {o.size}x{o.size}, {o.preset} crf {o.crf:g}, {o.repeat} rounds; x264: {X264_PARAMS}"
    table(title, ["case", "by", "wall s", "CPU s", "CPU : ffmpeg", "CPU : PyAV", "bytes"], rows)
    print(f"start-up of a Python process with PyAV, OpenCV and Pillow, part of QMV and PyAV above: {start:.2f} CPU s")
    missed = [case for case in cases if bench.ratio(case, _QMV, _FFMPEG) > LIMITS[case]]
    for case in cases:
        verdict = "missed" if case in missed else "kept"
        print(f"{case}: {bench.ratio(case, _QMV, _FFMPEG):.2f} of x264 alone, at most {LIMITS[case]:.2f}: {verdict}")
    chosen = {name: str(value) for name, value in vars(o).items() if name != "json"}
    write_json(o.json, "render", {"options": chosen, "start_cpu_s": start, "rows": figures, "missed": missed})
    return 1 if missed and o.strict else 0


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seconds", type=int, default=64, help="length of the video, a picture every 2 s (64)")
    made.add_argument("--size", type=int, default=1024, help="side of the square video in px, a multiple of 16 (1024)")
    made.add_argument("--fps", type=int, default=24)
    made.add_argument("--preset", default="veryfast", help="x264's preset (veryfast)")
    made.add_argument("--crf", type=float, default=18.0, help="x264's quality (18)")
    made.add_argument("--repeat", type=int, default=3, help="interleaved rounds (3)")
    made.add_argument("--case", default="", help=f"a part of the name of a case; all: {'; '.join(CASES)}")
    made.add_argument("--pictures", type=Path, help="a folder of your own pictures instead of painted ones")
    made.add_argument("--moviepy", action="store_true", help="also by assemble_moviepy; needs qmv[moviepy]")
    made.add_argument("--strict", action="store_true", help="exit 1 where a limit is missed")
    made.add_argument("--work", type=Path, help="where temporary files go, 36 MB a second of video (the system's)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
