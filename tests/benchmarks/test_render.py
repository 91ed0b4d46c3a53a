"""The rendering benchmark: its sums, its verdicts, ffmpeg's graph, and VMAF on a file whose damage is known."""

from __future__ import annotations

import argparse
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import render_bench as bench
from benchmarks.ffmpeg_graph import seen_frames
from benchmarks.measure import Cost
from benchmarks.render_bench import Job, Result
from benchmarks.render_cases import THREE_EFFECTS, Size, case_named
from benchmarks.render_growth import Grown, Length
from benchmarks.render_report import Limit, case_limits, figures, growth_limits, ratio, row
from qmv.media.vmaf import Vmaf, vmaf

SMALL = Size(width=192, height=192, fps=24)


def job(case: str = "motion, crossfade", seconds: int = 4, **changes: Any) -> Job:
    given: dict[str, Any] = {"size": SMALL, "preset": "veryfast", "crf": 18.0, "pictures": Path(), "work": Path()}
    return Job(case=case, seconds=seconds, **(given | changes))


def result(by: str, *cpu_s: float, wall_s: float = 1.0, vmaf: float | None = None, **of: Any) -> Result:
    costs = [Cost(wall_s=wall_s, cpu_s=seconds, stdout="", peak_mb=100.0 * seconds) for seconds in cpu_s]
    seen = None if vmaf is None else Vmaf(mean=vmaf, least=vmaf - 2, frames=10)
    return Result(job=job(**of), by=by, costs=costs, size_bytes=1_000_000, vmaf=seen)


def test_ratio_is_the_median_of_the_rounds_own() -> None:
    both = [result(bench.QMV, 2.0, 9.0, 3.0), result(bench.X264, 1.0, 3.0, 2.0)]
    assert ratio(both, bench.QMV, bench.X264) == 2.0


def test_ratio_takes_the_rounds_that_both_have() -> None:
    both = [result(bench.MOVIEPY, 10.0), result(bench.QMV, 2.0, 100.0)]
    assert ratio(both, bench.MOVIEPY, bench.QMV) == 5.0


def test_ratio_is_none_without_the_other_side() -> None:
    assert ratio([result(bench.QMV, 2.0)], bench.QMV, bench.X264) is None


def test_figures_are_medians_and_the_highest_peak() -> None:
    ways = [result(bench.QMV, 3.0, 1.0, 2.0, vmaf=95.0), result(bench.X264, 1.0, 1.0, 1.0)]
    found = figures(ways[0], ways)
    assert (found["cpu_s"], found["peak_mb"], found["cpu_of_x264"], found["frames"]) == (2.0, 300.0, 2.0, 96)
    assert row(found) == [
        "motion, crossfade", bench.QMV, "2.0", "1.0", "300", "2.00", "", "1.00", "95.00", "93.0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "most"), [("stills, cut", 1.10), ("motion, cut", 1.15), ("motion, crossfade", 1.15), (THREE_EFFECTS, 1.35)]
)
def test_each_case_has_its_limit(case: str, most: float) -> None:
    limits = case_limits([result(bench.QMV, 1.2, case=case), result(bench.X264, 1.0, case=case)])
    assert [limit.limit for limit in limits] == [most]
    assert limits[0].kept == (most >= 1.2)


def test_two_workers_are_judged_by_the_clock() -> None:
    ways = [result(bench.QMV2, 9.0, wall_s=1.2), result(bench.X264_OWN, 1.0, wall_s=1.0)]
    (limit,) = case_limits(ways)
    assert (limit.value, limit.kept) == (pytest.approx(1.2), False)


@pytest.mark.parametrize(("ours", "kept"), [(95.0, True), (94.6, True), (94.0, False)])
def test_cheaper_than_moviepy_counts_at_the_same_quality_only(ours: float, kept: bool) -> None:
    (limit,) = case_limits([result(bench.QMV_QUICK, 1.0, vmaf=ours), result(bench.MOVIEPY, 6.0, vmaf=95.0)])
    assert limit.kept == kept
    assert f"VMAF of QMV {ours:.2f}, of MoviePy 95.00" in limit.note


def test_moviepys_own_way_is_judged_by_the_quality_of_its_settings() -> None:
    ways = [
        result(bench.QMV_QUICK, 1.0, vmaf=95.0),
        result(bench.MOVIEPY_DOCS, 6.0),
        result(bench.MOVIEPY_MEDIUM, 4.0, vmaf=94.0),
    ]
    (limit,) = case_limits(ways)
    assert (limit.value, limit.kept) == (6.0, True)
    assert "94.00" in limit.note


def grown(minutes: int, peak_mb: float, case: str = "stills, cut", wall_s: float = 30.0) -> Grown:
    cost = Cost(wall_s=wall_s, cpu_s=1.0, stdout="", peak_mb=peak_mb)
    return Grown(job=job(case=case, seconds=60 * minutes), cost=cost, size_bytes=1)


def test_memory_that_grows_with_the_length_is_told() -> None:
    verdicts = {limit.claim: limit.kept for limit in growth_limits([grown(20, 460), grown(1, 400)])}
    assert [kept for claim, kept in verdicts.items() if "peak memory" in claim] == [True, True]
    assert verdicts["stills, cut: memory of 20 min above that of 1 min"] is False


def test_real_time_is_judged_on_the_longest_motion() -> None:
    lengths = [grown(1, 400, "motion, crossfade", 20), grown(5, 410, "motion, crossfade", 200)]
    speed = next(limit for limit in growth_limits(lengths) if "real time" in limit.claim)
    assert (speed.value, speed.kept) == (pytest.approx(1.5), False)


def test_limit_can_be_a_least() -> None:
    assert Limit(claim="", value=2.0, limit=2.0, at_least=True).kept
    assert not Limit(claim="", value=1.9, limit=2.0, at_least=True).kept


@pytest.mark.parametrize("text", ["1024", "1024x1023/24", "0x0/0", "axb/c"])
def test_size_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be even|invalid literal"):
        Size.of(text)


def test_size_reads_what_it_writes() -> None:
    assert str(Size.of("1920x1080/30")) == "1920x1080/30"


def test_length_takes_a_part_of_a_case_name() -> None:
    assert Length.of("20:stills") == Length(minutes=20.0, case="stills, cut")
    assert Length.of("0.5") == Length(minutes=0.5, case="motion, crossfade")
    with pytest.raises(argparse.ArgumentTypeError, match="no case has 'nothing'"):
        Length.of("1:nothing")
    assert case_named("three") == THREE_EFFECTS


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_graph_shows_every_picture_as_long_as_qmv(fps: int) -> None:
    from qmv.media.timeline import overlaps, seen

    shots = _shots(fps, 4)
    transitions = overlaps(shots, 0.5)
    assert [seen(shot, transitions).frames for shot in shots.shots] == [seen_frames(i, 4, fps) for i in range(4)]


def _shots(fps: int, count: int) -> Any:
    from qmv.artifacts import Shot, Storyboard

    words = dict.fromkeys(("section", "framing", "subject", "prompt", "negative_prompt"), "")
    shots = tuple(
        Shot(index=index, start=2 * index * fps, end=2 * (index + 1) * fps, beat=None, seed=index, **words)
        for index in range(count)
    )
    return Storyboard(fps=Fraction(fps), frames=2 * fps * count, shots=shots)


@pytest.fixture
def dotted(tmp_path: Path) -> Job:
    """Two pictures of dots, and 4 s of 192x192 to make of them."""
    from benchmarks.dots import painted, ring
    from qmv.media.picture import png

    for number in range(2):
        plane = painted(ring(192, 192, 5 + number), 192, 192)
        (tmp_path / f"{number}.png").write_bytes(png(np.dstack([plane] * 3)))
    return job(pictures=tmp_path, work=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["stills, crossfade", "motion, crossfade"])
def test_graph_makes_every_frame(dotted: Job, case: str) -> None:
    import dataclasses

    import imageio_ffmpeg

    from qmv.media.probe import probe

    out = dotted.work / "graph.mp4"
    arguments = bench.graph_arguments(dataclasses.replace(dotted, case=case), out)
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *arguments], check=True)
    assert probe(out).frames == dotted.frames


@pytest.mark.slow
def test_vmaf_tells_a_good_file_from_a_bad_one(dotted: Job) -> None:
    bench.run_job(dotted, "raw")
    assert dotted.raw.stat().st_size == dotted.frames * 192 * 192 * 3 // 2
    scores = []
    for crf in (10, 45):
        out = dotted.work / f"{crf}.mp4"
        bench._x264(job(crf=crf, work=dotted.work), out, own_threads=False)
        scores.append(vmaf(out, bench.raw_frames(dotted), (192, 192), Fraction(SMALL.fps), every=5))
    assert scores[0].mean > scores[1].mean + 5
    assert scores[0].frames == -(-dotted.frames // 5)
