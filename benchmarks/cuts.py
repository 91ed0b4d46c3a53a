"""Proves that cuts land on beats, on the finished files: the demo song at eight frame rates, from `run.py` to pixels.

The pictures are strong patterns, so the decoded pixels tell which one is on screen in each frame. Every cut must be
at the frame nearest to its tracked beat, the number of frames must be exact, and the sound must lag by less than
1 ms; anything else makes the command exit with 1. Against the song's true beats the tracker's own error is told too.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.measure import REPO, measure, table, write_json
from benchmarks.screen import Screen, audio_lag_ms, pattern_pictures, samples, watch

RATES = ("23.976", "24", "25", "29.97", "30", "50", "59.94", "60")
EXACT = {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "59.94": Fraction(60000, 1001)}
MAX_LAG_MS = 1.0
PICTURES, _WIDTH_PX, _HEIGHT_PX = 48, 256, 144
_COLUMNS = (
    "fps", "frames", "wanted", "cuts", "off frame", "late ms", "worst ms", "true ms", "true worst", "lag start ms",
    "lag end ms", "video pts", "audio pts", "verdict",
)  # fmt: skip


def make(fps: str, pictures: Path, outputs: Path, more: list[str]) -> Path:
    """The folder of a run of the demo song."""
    settings = {
        "song": "demo", "fps": fps, "image": "folder", "image.path": pictures, "quality": "draft",
        "width": _WIDTH_PX, "height": _HEIGHT_PX, "beats_per_image": 2, "outputs": outputs,
    }  # fmt: skip
    done = measure([sys.executable, "run.py", *(f"{key}={value}" for key, value in settings.items()), *more])
    return Path(done.stdout.strip().splitlines()[-1]).parent


def check(fps: str, folder: Path, pictures: Path) -> dict[str, Any]:
    """What the finished file of a run shows, against the beats that the run tracked and those of the score."""
    rate = EXACT.get(fps, Fraction(fps))
    manifest, beats = _json(folder, "manifest"), _json(folder, "artifacts/beats")
    shots, video = _json(folder, "artifacts/storyboard")["shots"], Path(manifest["result"])
    screen = watch(video, pictures)
    planned = {_planned_frame(shot, beats["times_s"], rate): shot for shot in shots}
    shown = dict(enumerate(screen.pictures))
    off = _frame_errors(screen.cuts, [frame for frame in planned if frame])
    figures = {
        "fps": fps,
        "frames": len(screen.pictures),
        "frames_wanted": math.ceil(Fraction(beats["duration_s"]) * rate),
        "cuts": len(screen.cuts),
        "cuts_wanted": len(shots) - 1,
        "worst_frame_error": max(map(abs, off), default=0),
        "wrong_pictures": sum(shown.get(frame) != shot["index"] % PICTURES for frame, shot in planned.items()),
        **_late(screen, {n: beats["times_s"][shot["beat"]] for n, shot in planned.items() if shot["beat"] is not None}),
        "half_frame_ms": float(500 / rate),
        "video_first_pts_s": float(screen.times_s[0]),
        "times_exact": all(time * rate == number for number, time in enumerate(screen.times_s)),
        **_sound(Path(manifest["song"]["path"]), video),
    }
    return figures | {"faults": _faults(figures)}


def _late(screen: Screen, beat_at: dict[int, float]) -> dict[str, float]:
    """How late the cut nearest to each planned frame is, against the tracked beat and the nearest one of the score."""
    from qmv.demo.song import beat_times_s

    score = beat_times_s()
    cuts = {beat_s: min(screen.cuts or [0], key=lambda cut: abs(cut - frame)) for frame, beat_s in beat_at.items()}
    shown_ms = {beat_s: float(screen.times_s[cut]) * 1000 for beat_s, cut in cuts.items()}
    late = [shown - 1000 * beat_s for beat_s, shown in shown_ms.items()]
    scored = [shown for beat_s, shown in shown_ms.items() if score[0] - 0.25 < beat_s < score[-1] + 0.25]
    true = [min((shown - 1000 * beat for beat in score), key=abs) for shown in scored]
    return {
        "cuts_on_beats": len(late),
        "late_ms_median": statistics.median(late or [math.nan]),
        "late_ms_worst": max(late, key=abs, default=math.nan),
        "cuts_on_the_score": len(true),
        "true_ms_median": statistics.median(true or [math.nan]),
        "true_ms_worst": max(true, key=abs, default=math.nan),
    }


def _json(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def _nearest_frame(time_s: float, rate: Fraction) -> int:
    return math.floor(Fraction(time_s) * rate + Fraction(1, 2))


def _planned_frame(shot: dict[str, Any], times_s: list[float], rate: Fraction) -> int:
    """Where the shot belongs: at its beat, or, away from beats, where the storyboard paces it."""
    return int(shot["start"]) if shot["beat"] is None else _nearest_frame(times_s[shot["beat"]], rate)


def _frame_errors(seen: list[int], expected: list[int]) -> list[int]:
    """For each expected cut, how many frames away the nearest seen one is; a cut nobody asked for counts as well."""
    if not seen:
        return [frame for frame in expected if frame]
    missing = [min((cut - frame for cut in seen), key=abs) for frame in expected]
    return missing + [min((cut - frame for frame in expected), key=abs) for cut in seen]


def _sound(song: Path, video: Path) -> dict[str, float]:
    source, rate_hz, _ = samples(song)
    heard, heard_hz, first_s = samples(video)
    if heard_hz != rate_hz:
        raise ValueError(f"the sound of {video} has {heard_hz} Hz, the song {rate_hz} Hz")
    end_s = len(source) / rate_hz - 5
    return {
        "lag_start_ms": audio_lag_ms(source, heard, rate_hz, 0.0),
        "lag_end_ms": audio_lag_ms(source, heard, rate_hz, end_s),
        "audio_first_pts_s": float(first_s),
    }


def _faults(figures: dict[str, Any]) -> list[str]:
    lags = (figures["lag_start_ms"], figures["lag_end_ms"])
    found = {
        "a cut is off its frame": figures["worst_frame_error"] > 0,
        "wrong picture": figures["wrong_pictures"] > 0,
        "wrong number of cuts": figures["cuts"] != figures["cuts_wanted"],
        "wrong number of frames": figures["frames"] != figures["frames_wanted"],
        "time stamps are not exact": not figures["times_exact"],
        "the sound lags": max(map(abs, lags)) > MAX_LAG_MS,
        "no cut on a beat": figures["cuts_on_beats"] == 0,
    }
    return [fault for fault, there in found.items() if there]


def _row(figures: dict[str, Any]) -> list[str]:
    counts = [str(figures[name]) for name in ("frames", "frames_wanted", "cuts", "worst_frame_error")]
    names = ("late_ms_median", "late_ms_worst", "true_ms_median", "true_ms_worst")
    times = [f"{figures[name]:+.1f}" for name in names]
    lags = [f"{figures[name] + 0.0:.3f}" for name in ("lag_start_ms", "lag_end_ms")]
    firsts = [f"{figures[name]:g}" for name in ("video_first_pts_s", "audio_first_pts_s")]
    return [figures["fps"], *counts, *times, *lags, *firsts, "; ".join(figures["faults"]) or "good"]


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.cuts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--fps", nargs="+", default=RATES, help=f"frame rates ({' '.join(RATES)})")
    made.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="more settings for run.py: motion=still"
    )
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    sys.path.insert(0, str(REPO))
    with tempfile.TemporaryDirectory(prefix="qmv-cuts-") as name:
        work = Path(name)
        pattern_pictures(work / "pictures", PICTURES, _WIDTH_PX, _HEIGHT_PX)
        found = []
        for fps in options.fps:
            folder = make(fps, work / "pictures", work / "outputs", options.set)
            found.append(check(fps, folder, work / "pictures"))
    table("demo song, a picture every second beat, measured on the decoded MP4", _COLUMNS, map(_row, found))
    print("off frame: frames between a cut and the frame nearest to its tracked beat. late: cut against tracked beat;")
    print("true: against the beat of the score, with the tracker's error. lag: sound against the song's file.")
    write_json(options.json, "cuts", {"rates": found})
    return 1 if any(figures["faults"] for figures in found) else 0


if __name__ == "__main__":
    sys.exit(main())
