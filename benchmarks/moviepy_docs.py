"""The motion-and-crossfade video as MoviePy's documentation teaches it: ImageClip, resized(), CrossFadeIn, composite.

`assemble_moviepy` moves its camera by OpenCV, which is quicker than MoviePy's own way, so both are measured. The zoom
heads for the middle, since a moving position would only be rounded to whole pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.ffmpeg_graph import seen_frames
from benchmarks.render_cases import CROSSFADE_S, SHOT_S, Size

__all__ = ["write"]

_ZOOM = 0.12  # as much as ken_burns has
_THREADS = 2


def write(out: Path, pictures: Sequence[Path], size: Size, preset: str, crf: float) -> None:
    """A silent video with a picture every SHOT_S."""
    from moviepy import CompositeVideoClip

    clips = [_clip(picture, index, len(pictures), size) for index, picture in enumerate(pictures)]
    film = CompositeVideoClip(clips, size=(size.width, size.height)).with_duration(len(pictures) * SHOT_S)
    film.write_videofile(
        str(out), fps=size.fps, codec="libx264", audio=False, preset=preset, threads=_THREADS,
        ffmpeg_params=["-crf", f"{crf:g}", "-pix_fmt", "yuv420p"], logger=None,
    )  # fmt: skip


def _clip(picture: Path, index: int, count: int, size: Size) -> Any:
    from moviepy import ImageClip, vfx

    seconds = seen_frames(index, count, size.fps) / size.fps

    def side(t: float) -> float:
        return float((1 + _ZOOM) ** (t / seconds))

    clip = ImageClip(str(picture), duration=seconds).resized(side).with_position("center")
    clip = clip.with_start(index * SHOT_S - (CROSSFADE_S / 2 if index else 0))
    return clip.with_effects([vfx.CrossFadeIn(CROSSFADE_S)]) if index else clip
