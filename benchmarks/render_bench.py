"""Renders one case in every way and keeps what each costs; nothing here judges."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, measure
from benchmarks.render_cases import CASES, SHOT_S, THREE_EFFECTS, Size, x264_options
from qmv.media.frame import Frame
from qmv.media.vmaf import Vmaf, vmaf

__all__ = [
    "GRAPH", "MOVIEPY", "MOVIEPY_DOCS", "MOVIEPY_MEDIUM", "PAINTED", "QMV", "QMV2", "QMV_QUICK", "X264", "X264_OWN",
    "X264_PYAV", "Job", "Result", "graph_arguments", "raw_frames", "render_case", "run_job",
]  # fmt: skip

QMV, QMV2 = "QMV, 1 worker", "QMV, 2 workers"
QMV_QUICK = "QMV, superfast crf 20"  # looks as MoviePy does at veryfast crf 18, in a larger file
X264, X264_OWN, X264_PYAV = "x264: ffmpeg, 1 thread", "x264: ffmpeg, own threads", "x264: PyAV"
MOVIEPY, GRAPH = "MoviePy", "one ffmpeg graph"
MOVIEPY_MEDIUM, MOVIEPY_DOCS = "MoviePy, medium crf 23", "the same, resized()"  # its own defaults
PAINTED = 32  # pictures; longer videos use them again
_ONCE = (
    QMV_QUICK,
    MOVIEPY,
    MOVIEPY_MEDIUM,
    MOVIEPY_DOCS,
    GRAPH,
)  # they take so long that they are rendered in one round only
_NOT_THE_SAME_VIEW = (MOVIEPY_DOCS, GRAPH)  # their zoom lies pixels beside QMV's, which VMAF takes for damage


@dataclass(frozen=True, kw_only=True)
class Job:
    """A video to make: which, of what, and where its files lie."""

    case: str
    size: Size
    seconds: int
    preset: str
    crf: float
    pictures: Path
    work: Path

    @property
    def frames(self) -> int:
        return self.seconds // SHOT_S * SHOT_S * self.size.fps

    @property
    def raw(self) -> Path:
        return self.work / "frames.yuv"


@dataclass(kw_only=True)
class Result:
    """What one way of making one video costs, round by round."""

    job: Job
    by: str
    costs: list[Cost] = field(default_factory=list)
    size_bytes: int = 0
    vmaf: Vmaf | None = None


def run_job(job: Job, variant: str, out: Path | None = None, workers: int = 1) -> Cost:
    """One rendering by benchmarks.render_job in a process of its own."""
    flags: dict[str, Any] = {
        "case": job.case, "pictures": job.pictures, "size": job.size, "seconds": job.seconds, "raw": job.raw,
        "workers": workers, "preset": job.preset, "crf": job.crf,
    }  # fmt: skip
    flags |= {"out": out} if out else {}
    pairs = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    cost = measure([sys.executable, "-m", "benchmarks.render_job", variant, *pairs])
    counts = json.loads(cost.stdout.strip().splitlines()[-1])
    if counts.get("reused") or counts.get("made") != counts.get("total"):
        raise RuntimeError(f"{job.case}: {counts['reused']} of {counts['total']} {counts['unit']} were not made anew")
    return cost


def _ffmpeg(arguments: list[str]) -> Cost:
    import imageio_ffmpeg

    return measure([imageio_ffmpeg.get_ffmpeg_exe(), *arguments])


def _x264(job: Job, out: Path, own_threads: bool) -> Cost:
    """x264 alone on the ready frames."""
    size, options = job.size, x264_options(job.preset, job.crf, own_threads=own_threads)
    return _ffmpeg(
        [
            "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size.width}x{size.height}",
            "-r", str(size.fps), "-i", str(job.raw), "-c:v", "libx264", *(() if own_threads else ("-threads", "1")),
            *(part for name, value in options.items() for part in (f"-{name}", value)), str(out),
        ]
    )  # fmt: skip


def graph_arguments(job: Job, out: Path) -> list[str]:
    """What ffmpeg is told to make the whole video by itself."""
    from benchmarks.ffmpeg_graph import arguments
    from benchmarks.render_job import inputs
    from qmv.media.timeline import overlaps, seen

    given = inputs(job.pictures, job.seconds, job.size.width, job.size.fps, height_px=job.size.height)
    motion, transition = CASES[job.case]
    transitions = overlaps(given["storyboard"], transition.length_s())
    shots = [seen(shot, transitions) for shot in given["storyboard"].shots]
    cameras = [(motion.camera(shot, shot.start), motion.camera(shot, shot.end - 1)) for shot in shots]
    files = [picture.file.path for picture in given["pictures"].pictures]
    graph = arguments(files, cameras if "motion" in job.case else [], job.size)
    encoder = ["-c:v", "libx264", "-preset", job.preset, "-crf", f"{job.crf:g}", "-pix_fmt", "yuv420p"]
    return ["-loglevel", "error", "-y", *graph, *encoder, str(out)]


def _ways(job: Job, only: set[str]) -> dict[str, Callable[[Path], Cost]]:
    """The ways to make this video, in the order in which they are tried."""
    ways: dict[str, dict[str, Callable[[Path], Cost]]] = {
        "qmv": {QMV: lambda out: run_job(job, "qmv", out)},
        "x264": {
            X264: lambda out: _x264(job, out, own_threads=False),
            X264_OWN: lambda out: _x264(job, out, own_threads=True),
        },
        "qmv ": {QMV2: lambda out: run_job(job, "qmv", out, workers=2)},
        "x264 ": {X264_PYAV: lambda out: run_job(job, "pyav", out)},
    }
    if job.case != THREE_EFFECTS:  # assemble_moviepy has no effects
        ways["moviepy"] = {MOVIEPY: lambda out: run_job(job, "moviepy", out)}
    if job.case == "motion, crossfade":
        medium = dataclasses.replace(job, preset="medium", crf=23.0)
        quick = dataclasses.replace(job, preset="superfast", crf=20.0)
        ways["moviepy "] = {
            QMV_QUICK: lambda out: run_job(quick, "qmv", out),
            MOVIEPY_MEDIUM: lambda out: run_job(medium, "moviepy", out),
            MOVIEPY_DOCS: lambda out: run_job(medium, "moviepy_docs", out),
        }
    if job.case.endswith("crossfade"):
        ways["ffmpeg"] = {GRAPH: lambda out: _ffmpeg(graph_arguments(job, out))}
    return {by: way for group, some in ways.items() if group.strip() in only for by, way in some.items()}


def render_case(job: Job, rounds: int, only: set[str], every: int) -> list[Result]:
    """Every way in turn, and that again in the opposite order and so on, so that each shares the others' conditions;
    then the VMAF of what each of them left.
    """
    run_job(job, "raw")
    ways = _ways(job, only)
    results = {by: Result(job=job, by=by) for by in ways}
    for number in range(rounds):
        for by in list(ways)[:: -1 if number % 2 else 1]:
            if number and by in _ONCE:
                continue
            _say(f"{job.size} {job.case}: {by}, round {number + 1} of {rounds}")
            try:
                results[by].costs.append(ways[by](_file(job, by)))
            except RuntimeError as error:
                if by not in _ONCE:
                    raise
                _say(f"{by} failed: {str(error).strip().splitlines()[-1]}")
                del ways[by], results[by]
    for by, result in results.items():
        _look(result, _file(job, by), every if "vmaf" in only else 0)
    job.raw.unlink()
    return list(results.values())


def _file(job: Job, by: str) -> Path:
    return job.work / f"{by.replace(' ', '_').replace(':', '')}.mp4"


def _look(result: Result, file: Path, every: int) -> None:
    """How large the file is and how good; it is not wanted after that."""
    from qmv.media.probe import probe

    job, result.size_bytes = result.job, file.stat().st_size
    if (frames := probe(file).frames) != job.frames:
        _say(f"{job.size} {job.case}: {result.by} has {frames} frames instead of {job.frames}; no VMAF")
    elif every and not ("motion" in job.case and result.by in _NOT_THE_SAME_VIEW):
        size_px = job.size.width, job.size.height
        result.vmaf = vmaf(file, raw_frames(job), size_px, Fraction(job.size.fps), every=every)
    file.unlink()


def raw_frames(job: Job) -> Iterator[Frame]:
    """The ready frames, as `run_job(job, "raw")` left them."""
    import numpy as np

    width, height = job.size.width, job.size.height
    luma, half = width * height, (height // 2, width // 2)
    for planes in np.memmap(job.raw, np.uint8, "r").reshape(-1, luma * 3 // 2):
        y, u, v = np.split(planes, [luma, luma + luma // 4])
        yield Frame(y.reshape(height, width), u.reshape(half), v.reshape(half))


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
