"""The same video by one filter graph of the ffmpeg program, as is usual: looped pictures or zoompan, chained xfade.

Its pictures lie at the same frames as QMV's, its zoom takes the same path (rounded to whole pixels, which is zoompan's
way), its colours are BT.709 too; so its frames can be compared with QMV's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from benchmarks.render_cases import CROSSFADE_S, SHOT_S, Size
from qmv.media.camera import Affine

__all__ = ["arguments", "seen_frames", "zoompan"]

_BT709 = "scale=out_color_matrix=bt709:out_range=limited"


def arguments(pictures: Sequence[Path], cameras: Sequence[tuple[Affine, Affine]], size: Size) -> list[str]:
    """Inputs and graph, as ffmpeg wants them: a picture every SHOT_S, crossfades in between; stills where there are no
    cameras (the first and the last view of each picture).
    """
    inputs, views = list[str](), list[str]()
    for index, picture in enumerate(pictures):
        count = seen_frames(index, len(pictures), size.fps)
        looped = [] if cameras else ["-loop", "1", "-framerate", str(size.fps), "-t", f"{count / size.fps:.6f}"]
        inputs += [*looped, "-i", str(picture)]
        view = zoompan(*cameras[index], count, size) if cameras else _BT709
        filters = [view, "format=yuv420p", f"settb=1/{size.fps}"]
        views.append(f"[{index}:v]{','.join(filters)}[v{index}]")
    last = f"[x{len(pictures) - 1}]" if len(pictures) > 1 else "[v0]"
    return [*inputs, "-filter_complex", ";".join([*views, *_fades(len(pictures), size.fps)]), "-map", last]


def seen_frames(index: int, count: int, fps: int) -> int:
    """How many frames a picture is seen in; a crossfade borrows half of its length from both sides."""
    return SHOT_S * fps + _half(fps) * ((index > 0) + (index < count - 1))


def _half(fps: int) -> int:
    """Frames of a crossfade on either side of its cut; whole ones, as QMV has them."""
    return round(Fraction(CROSSFADE_S) * fps / 2)


def _fades(count: int, fps: int) -> list[str]:
    half, links = _half(fps), []
    for index in range(1, count):
        before = f"x{index - 1}" if index > 1 else "v0"
        offset_s = index * SHOT_S - half / fps
        fade = f"xfade=transition=fade:duration={2 * half / fps:.6f}:offset={offset_s:.6f}"
        links.append(f"[{before}][v{index}]{fade}[x{index}]")
    return links


def zoompan(first: Affine, last: Affine, frames: int, size: Size) -> str:
    """The zoom from one view to another, its scale changing by the same factor each frame; in 4:4:4, since zoompan
    would jump two pixels at a time in 4:2:0.
    """
    step = (first.xx / last.xx) ** (1 / max(1, frames - 1))
    close = min(first, last, key=lambda view: view.xx)
    x, y = (_share(offset, close.xx) for offset in (close.x0, close.y0))
    zoom = f"{1 / first.xx:.9f}*exp({math.log(step):.12f}*on)"
    corner = f"x='iw*(1-1/zoom)*{x:.9f}':y='ih*(1-1/zoom)*{y:.9f}'"
    frame = f"d={frames}:s={size.width}x{size.height}:fps={size.fps}"
    return f"{_BT709},format=yuv444p,zoompan=z='{zoom}':{corner}:{frame}"


def _share(offset: float, side: float) -> float:
    """How much of the room beside the view lies before it."""
    return offset / (1 - side) if side < 1 else 0.5
