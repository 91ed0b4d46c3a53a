"""Proves that cuts land on beats from the first minute to the tenth, at eight frame rates, on the finished files.

Two songs of ten minutes, at 118 and at 129 beats a minute, whose beats are known exactly, go through `run.py`, a
picture every second beat. The figures are those that the stage `prove_sync` measures of each MP4. Beside it, a second
and simpler way counts: the pictures are strong patterns, so each frame is told by the pattern that it is nearest to.
Exits with 1 where a cut is off its frame or not measured, more than half a frame from its beat, where the two ways
differ, or where the sound is off by more than 1 ms.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.measure import REPO, measure, table, write_json
from benchmarks.screen import cut_frames, pattern_pictures

RATES = ("23.976", "24", "25", "29.97", "30", "50", "59.94", "60")
TEMPI_BPM = (118, 129)
FULL_S, QUICK_S = 600, 30
MAX_SOUND_MS = 1.0
_PICTURES, _SIDE_PX, _RATE_HZ, _FIRST_BEAT_S = 48, 64, 22050, 0.25
_COLUMNS = (
    "bpm", "fps", "frames", "cuts", "measured", "worst frames off", "worst ms to beat", "half a frame, ms",
    "sound ms: start", "end", "s", "verdict",
)  # fmt: skip
_TRACKER = '''
from fractions import Fraction

from qmv.api import Tracker, plugin, setting
from qmv.artifacts import Beats
from qmv.hookspecs import hookimpl


@plugin
class Metronome(Tracker):
    """Beats that are known, not heard."""

    name = "metronome"
    bpm: float = setting("the tempo", default=120.0)
    first_s: float = setting("the first beat", default=0.25, unit="s")

    def track(self, samples, rate_hz, hints):
        duration_s = Fraction(len(samples), rate_hz)
        step_s = 60 / Fraction(str(self.bpm))
        count = int((duration_s - Fraction(self.first_s)) / step_s) + 1
        times_s = tuple(float(Fraction(self.first_s) + beat * step_s) for beat in range(count))
        return Beats(
            times_s=times_s, bar_position=(0,) * count, tempo_bpm=self.bpm, confidence=1.0, duration_s=duration_s
        )


@hookimpl
def qmv_trackers():
    return [Metronome]
'''


def make_song(path: Path, bpm: float, seconds: int) -> None:
    """Clicks on the beats over soft noise, which is never alike at two places."""
    import numpy as np
    import soundfile

    rng = np.random.default_rng(round(bpm))
    samples = 0.05 * rng.standard_normal(seconds * _RATE_HZ).astype(np.float32)
    time_s = np.arange(_RATE_HZ // 50) / _RATE_HZ
    click = (0.7 * np.sin(math.tau * 1000 * time_s) * np.exp(-time_s * 200)).astype(np.float32)
    for beat in range(int((seconds - 1) * bpm / 60)):
        start = round((_FIRST_BEAT_S + beat * 60 / bpm) * _RATE_HZ)
        samples[start : start + len(click)] += click
    soundfile.write(path, samples, _RATE_HZ)


def make_video(song: Path, bpm: float, fps: str, work: Path) -> tuple[dict[str, Any], float]:
    """The manifest of a run that may be out of sync, and how long it took."""
    settings = {
        "song": song, "plugins": f"[{work / 'metronome.py'}]", "tracker": "metronome", "tracker.bpm": bpm, "fps": fps,
        "image": "folder", "image.path": work / "pictures", "quality": "draft", "quality.scale": 1, "width": _SIDE_PX,
        "height": _SIDE_PX, "beats_per_image": 2, "prove.on_fail": "warn", "outputs": work / "outputs",
    }  # fmt: skip
    cost = measure([sys.executable, "run.py", *(f"{key}={value}" for key, value in settings.items())])
    folder = Path(cost.stdout.strip().splitlines()[-1]).parent
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["sync"]["cuts"] = json.loads((folder / "artifacts" / "proof.json").read_text(encoding="utf-8"))["cuts"]
    return manifest, cost.wall_s


def check(bpm: float, fps: str, manifest: dict[str, Any], wall_s: float, pictures: Path) -> dict[str, Any]:
    """What was measured, and what is wrong with it."""
    sync = manifest["sync"]
    figures = {
        "bpm": bpm, "fps": fps, "frames": sync["frames"], "cuts": len(sync["cuts"]), "measured": sync["measured"],
        "worst_frames": sync["worst_frames"], "worst_to_beat_ms": sync["worst_to_beat_ms"],
        "half_frame_ms": float(500 / Fraction(sync["fps"])), "audio_start_ms": sync["audio_start_ms"],
        "audio_end_ms": sync["audio_end_ms"], "audio_drift_ms": sync["audio_drift_ms"], "wall_s": round(wall_s, 1),
    }  # fmt: skip
    sound = [figures["audio_start_ms"], figures["audio_end_ms"]]
    there = {
        "a cut is not measured": figures["measured"] < figures["cuts"],
        "a cut is off its frame": figures["worst_frames"] != 0,
        "a cut is off its beat": (figures["worst_to_beat_ms"] or math.inf) > figures["half_frame_ms"] + 0.001,
        "the two ways differ": [cut["frame"] for cut in sync["cuts"]] != cut_frames(Path(manifest["result"]), pictures),
        "the sound is off": any(ms is None or abs(ms) > MAX_SOUND_MS for ms in sound),
    }
    return figures | {"faults": [*sync["faults"], *(fault for fault, found in there.items() if found)]}


def _row(found: dict[str, Any]) -> list[str]:
    counts = [f"{found[name]:g}" for name in ("bpm", "frames", "cuts", "measured", "worst_frames")]
    times = [f"{found[name]:.1f}" for name in ("worst_to_beat_ms", "half_frame_ms")]
    sounds = [f"{found[name]:+.3f}" for name in ("audio_start_ms", "audio_end_ms")]
    return [counts[0], found["fps"], *counts[1:], *times, *sounds, f"{found['wall_s']:.0f}", _verdict(found)]


def _verdict(found: dict[str, Any]) -> str:
    return "; ".join(found["faults"]) or "good"


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.sync", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help=f"{QUICK_S} s of each song in place of {FULL_S}")
    made.add_argument("--fps", nargs="+", default=RATES, help=f"frame rates ({' '.join(RATES)})")
    made.add_argument("--bpm", nargs="+", type=float, default=TEMPI_BPM, help="tempi (118 129)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    sys.path.insert(0, str(REPO))
    seconds = QUICK_S if options.quick else FULL_S
    found = []
    with tempfile.TemporaryDirectory(prefix="qmv-sync-") as name:
        work = Path(name)
        (work / "metronome.py").write_text(_TRACKER, encoding="utf-8")
        pattern_pictures(work / "pictures", _PICTURES, _SIDE_PX, _SIDE_PX)
        for bpm in options.bpm:
            song = work / f"{bpm:g}.wav"
            make_song(song, bpm, seconds)
            for fps in options.fps:
                found.append(check(bpm, fps, *make_video(song, bpm, fps, work), work / "pictures"))
                print(f"{bpm:g} bpm, {fps} fps: {_verdict(found[-1])}", file=sys.stderr, flush=True)
    table(f"songs of {seconds} s, a picture every second beat, measured on the decoded MP4", _COLUMNS, map(_row, found))
    write_json(options.json, "sync", {"seconds": seconds, "runs": found})
    return 1 if any(figures["faults"] for figures in found) else 0


if __name__ == "__main__":
    sys.exit(main())
