"""The JSON beside a delivered video: what may be known of it by everybody who can see it.

It holds no time, path or name of a machine, so the same video always has the same one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from qmv import __version__
from qmv.artifacts import Beats, Pictures, Song, Storyboard, Style, SyncProof, Video

__all__ = ["SCHEMA_VERSION", "metadata", "sidecar"]

SCHEMA_VERSION = 1


def sidecar(
    song: Song,
    style: Style,
    video: Video,
    *,
    beats: Beats | None = None,
    storyboard: Storyboard | None = None,
    pictures: Pictures | None = None,
    proof: SyncProof | None = None,
    licence: str = "",
) -> dict[str, Any]:
    """Plain JSON values. Times are seconds of the video; a shot that has no picture of its own is left out."""
    about: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "title": song.title,
        "artist": song.artist,
        "style": style.name,
        "licence": licence,
        "video": {
            "sha256": video.file.sha256,
            "size_bytes": video.file.size_bytes,
            "width_px": video.width_px,
            "height_px": video.height_px,
            "fps": str(video.fps),
            "frames": video.frames,
            "duration_s": _seconds(video.frames, video.fps),
        },
        "song": {"sha256": song.file.sha256, "start_s": song.start_s, "end_s": song.end_s},
    }
    if beats is not None:
        about["beats"] = _beats(beats)
    if storyboard is not None and pictures is not None:
        about["pictures"] = _pictures(storyboard, pictures)
    if proof is not None:
        about["sync"] = _sync(proof)
    return about | {"made_with": {"name": "QMV", "version": __version__}}


def metadata(about: Mapping[str, Any]) -> dict[str, str]:
    """The part of a sidecar that goes with the object itself, as short texts."""
    found = {
        "title": about["title"],
        "artist": about["artist"],
        "style": about["style"],
        "licence": about["licence"],
        "sha256": about["video"]["sha256"],
        "song-sha256": about["song"]["sha256"],
        "made-with": f"QMV {__version__}",
    }
    if beats := about.get("beats"):
        found |= {"beats": str(beats["count"]), "tempo-bpm": f"{beats['tempo_bpm']:g}"}
    if pictures := about.get("pictures"):
        found["pictures"] = str(len(pictures))
    return {name: value for name, value in found.items() if value}


def _beats(beats: Beats) -> dict[str, Any]:
    return {
        "count": len(beats.times_s),
        "tempo_bpm": beats.tempo_bpm,
        "meter": beats.meter,
        "confidence": beats.confidence,
        "times_s": list(beats.times_s),
        "bar_position": list(beats.bar_position),
        "sections": [dataclasses.asdict(section) for section in beats.sections],
    }


def _pictures(storyboard: Storyboard, pictures: Pictures) -> list[dict[str, Any]]:
    shots = [shot for shot in storyboard.shots if shot.index not in pictures.missing]
    return [
        {
            "shot": shot.index + 1,
            "start_s": _seconds(shot.start, storyboard.fps),
            "end_s": _seconds(shot.end, storyboard.fps),
            "section": shot.section,
            "framing": shot.framing,
            "subject": shot.subject,
            "lyric": shot.lyric,
            "prompt": picture.prompt,
            "negative_prompt": shot.negative_prompt,
            "seed": picture.seed,
            "provider": picture.provider,
            "model": picture.model,
            "source_type": picture.source_type,
            "sha256": picture.file.sha256,
        }
        for shot, picture in zip(shots, pictures.pictures, strict=True)
    ]


def _sync(proof: SyncProof) -> dict[str, Any]:
    names = ("summary", "measured", "worst_frames", "mean_frames", "worst_ms", "worst_to_beat_ms", "mean_to_beat_ms",
             "audio_start_ms", "audio_end_ms", "audio_drift_ms", "loudness_lufs", "true_peak_db", "faults")  # fmt: skip
    return {name: getattr(proof, name) for name in names} | {"cuts": len(proof.cuts)}


def _seconds(frames: int, fps: Fraction) -> float:
    return round(float(frames / fps), 6)
