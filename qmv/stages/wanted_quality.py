"""Chooses an encoder's crf so that the video has the VMAF that is asked for: a few chunks are encoded and measured."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from qmv.api import Cache, Context, Encoder
from qmv.media.chunk import Chunk, chunk_frames, write_chunk
from qmv.media.coding import Coding
from qmv.media.crf_search import crf_for, spread
from qmv.media.vmaf import vmaf

__all__ = ["crf_of", "known_crf", "samples"]

_AREA = "quality"
_SAMPLES, _FRAMES = 4, 48  # chunks that are tried, and how much of each


@dataclass(frozen=True)
class _Trial:
    folder: Path
    chunk: Chunk
    fps: Fraction
    coding: Coding


def samples(chunks: Sequence[Chunk]) -> list[Chunk]:
    """A few chunks from all over the video, the beginning of each."""
    picked = [chunks[index] for index in spread(len(chunks), _SAMPLES)]
    return [
        dataclasses.replace(chunk, frames=min(_FRAMES, chunk.frames), moments=chunk.moments[:_FRAMES])
        for chunk in picked
    ]


def known_crf(cache: Cache, encoder: Encoder, target: float, tried: Mapping[str, Chunk]) -> Encoder | None:
    """The encoder at the crf that an earlier run found; `tried` are the samples by the keys of their frames."""
    folder = cache.get(_AREA, _key(encoder, target, tried))
    return None if folder is None else encoder.at(_found(folder)["crf"])


def crf_of(
    ctx: Context, encoder: Encoder, target: float, tried: Mapping[str, Chunk], fps: Fraction
) -> tuple[Encoder, str]:
    """The encoder at the largest crf that reaches the target on the samples, and a sentence about it."""

    def quality(crf: float, folder: Path) -> float:
        coding = encoder.at(crf).coding()
        trials = [_Trial(folder, chunk, fps, coding) for chunk in tried.values()]
        means = dict(ctx.map(_measured, trials))
        frames = [chunk.frames for chunk in tried.values()]
        return statistics.fmean([means[index] for index in range(len(means))], frames)

    def search(folder: Path) -> None:
        ctx.notice(f"looking for the crf that gives a VMAF of {target:g}")
        crf, reached = crf_for(target, partial(quality, folder=folder), encoder.constant_quality, encoder.crfs)
        (folder / "found.json").write_text(json.dumps({"crf": crf, "vmaf": reached}), encoding="utf-8")

    folder, _ = ctx.cache.once(_AREA, _key(encoder, target, tried), search, shared=_check)
    found = _found(folder)
    short = "" if found["vmaf"] >= target else ", the most that this encoder gives"
    number = len(tried)
    return encoder.at(found["crf"]), (
        f"quality.vmaf={target:g}: crf {found['crf']:g} gives {found['vmaf']:.1f} on {number} chunks{short}"
    )


def _key(encoder: Encoder, target: float, tried: Mapping[str, Chunk]) -> str:
    return Cache.key({"encoder": encoder.identity(), "vmaf": target, "frames": sorted(tried)})


def _found(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return found


def _check(folder: Path) -> None:
    """Raises where the entry holds no choice."""
    found = _found(folder)
    if not (math.isfinite(found["crf"]) and math.isfinite(found["vmaf"])):
        raise ValueError("found.json holds no numbers")


def _measured(trial: _Trial) -> float:
    """VMAF of one chunk, in a worker process."""
    size_px = trial.chunk.width_px, trial.chunk.height_px
    with tempfile.TemporaryDirectory(dir=trial.folder) as folder:  # where it is cleared away if this process is killed
        file = Path(folder, "chunk.mp4")
        write_chunk(file, trial.chunk, trial.fps, trial.coding)
        return vmaf(file, chunk_frames(trial.chunk), size_px, trial.fps).mean
