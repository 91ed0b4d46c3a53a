"""What became of a try, from what it left behind: its manifest, its exit code, its last words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qmv.errors import TRY_AGAIN
from qmv.service.work.outward import Outward

__all__ = ["Verdict", "judged"]

# the same try would fail again; everything else may be different the next time
_FINAL = (
    "AccessError", "BudgetError", "ConfigError", "InputError", "PluginError", "ProofError", "UnknownName",
)  # fmt: skip
_SIGNALLED = 128


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`result` of a video that is delivered; else the sentence `error`, and whether another try may help."""

    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    again: bool = False


def judged(folder: Path, said: Path, code: int | None, outward: Outward) -> Verdict:
    """The verdict on a try that has ended in `folder` and said things into a file."""
    manifest = _read(folder / "manifest.json")
    status = manifest.get("status")
    if status == "finished" and manifest.get("deliveries"):
        return Verdict(result=_result(manifest, folder, outward))
    if status == "finished":
        return Verdict(error="graph: the videos of a service are delivered; use a graph with the stage deliver.")
    if status == "failed" and manifest.get("error"):
        kind = manifest.get("error_kind", "")
        return Verdict(error=outward(manifest["error"]), again=kind not in _FINAL)
    if words := _last_error(said):  # before the run began: a wrong setting, a missing part, or a full disk
        return Verdict(error=outward(words), again=code == TRY_AGAIN)
    return Verdict(error=_crashed(code), again=True)


def _crashed(code: int | None) -> str:
    if code is not None and code > _SIGNALLED:
        return (
            f"the render was ended by the system (signal {code - _SIGNALLED}), most often for want of memory; what it "
            "has made is kept for the next try."
        )
    if code is not None and code < 0:
        return f"the render was ended by the system (signal {-code}); what it has made is kept for the next try."
    return f"the render ended without a word (exit code {code}); what it has made is kept for the next try."


def _result(manifest: dict[str, Any], folder: Path, outward: Outward) -> dict[str, Any]:
    """The delivery, and what may be known of the video by everybody who can see it."""
    delivery, video, song = manifest["deliveries"][-1], manifest["video"], manifest["song"]
    beats = _read(folder / "artifacts" / "beats.json")
    key = delivery.get("key", "")
    url = delivery["url"]
    about: dict[str, Any] = {
        "title": song.get("title", ""),
        "artist": song.get("artist", ""),
        "style": manifest.get("style", ""),
        "video": {name: value for name, value in video.items() if isinstance(value, int | float | str)},
        "song": {name: song.get(name) for name in ("sha256", "start_s", "end_s")},
        "pictures": manifest.get("pictures", {}),
        "notes": [outward(note) for note in manifest.get("notes", ())],
    }
    if beats:
        about["beats"] = {"count": len(beats.get("times_s", ())), "tempo_bpm": beats.get("tempo_bpm")}
    if sync := manifest.get("sync"):
        names = ("summary", "measured", "cuts", "worst_ms", "mean_ms", "worst_to_beat_ms", "audio_start_ms",
                 "loudness_lufs", "true_peak_db", "faults")  # fmt: skip
        about["sync"] = {name: sync[name] for name in names if name in sync}
    return {
        "url": url if "://" in url else f"/{key}",
        "key": key,
        "sha256": video["sha256"],
        "size_bytes": video["size_bytes"],
        "storage": delivery.get("storage", ""),
        "unchanged": delivery.get("unchanged", False),
        "companions": [place for place in delivery.get("companions", ()) if "://" in place],
        "seconds": manifest.get("seconds"),
        "cost_usd": manifest.get("money", {}).get("spent_usd", "0"),
        "metadata": about,
    }


def _last_error(said: Path) -> str:
    try:
        lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), "")


def _read(path: Path) -> dict[str, Any]:
    """{} for a file that is not there, or was being written when everything ended."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
