"""Renders one chunk: pictures through cameras, transitions and effects into encoded frames; a function of values.

Runs in worker processes. A held still is one frame object from start to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.artifacts import File, Shot
from qmv.errors import PluginError, QmvError
from qmv.media.camera import IDENTITY, Affine
from qmv.media.coding import Coding
from qmv.media.encode import encode_chunk
from qmv.media.moments import Moment
from qmv.media.timeline import Overlap

if TYPE_CHECKING:
    from qmv.api import Effect, Motion, Transition
    from qmv.media.frame import Frame
    from qmv.media.plate import Plate, ZoomPlate

__all__ = ["Chunk", "Layer", "chunk_frames", "load_picture", "planes_beside", "write_chunk"]

_SAMPLES = 32


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A picture and the shot that it fills; the shot's frames count from the chunk's first one and include the
    transitions at both ends."""

    picture: File
    shot: Shot


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """`layers` are the shot itself, or the shot before and the shot itself where a transition falls into the chunk."""

    width_px: int
    height_px: int
    frames: int
    layers: tuple[Layer, ...]
    overlap: Overlap
    moments: tuple[Moment, ...]
    motion: Motion
    transition: Transition
    effects: tuple[Effect, ...]


def write_chunk(path: Path, chunk: Chunk, fps: Fraction, coding: Coding) -> int:
    """Renders and encodes; tells how many frames."""
    import cv2

    cv2.setNumThreads(1)  # chunks are the parallel unit
    return encode_chunk(path, chunk_frames(chunk), fps, coding)


def chunk_frames(chunk: Chunk) -> Iterator[Frame]:
    """The frames of a chunk in order."""
    views = [_views(chunk, layer) for layer in chunk.layers]
    for number, seen in enumerate(zip(*views)):
        position = chunk.overlap.position(number)
        frame = seen[-1]
        if position is not None:
            frame = _asked(chunk.transition, chunk.transition.blend, seen[0], seen[-1], position)
        for effect in chunk.effects:
            frame = _asked(effect, effect.apply, frame, chunk.moments[number])
        yield frame


def _asked(plugin: Transition | Effect, method: Callable[..., Frame], frame: Frame, *more: Any) -> Frame:
    """What a plugin makes of a frame; a plugin that does not give a frame of the same size is named."""
    from qmv.media.frame import Frame

    where = f"{plugin.kind} ({plugin.name}): {method.__name__}()"
    try:
        made = method(frame, *more)
    except QmvError:
        raise
    except Exception as error:
        raise PluginError(f"{where} failed ({type(error).__name__}: {error}); mend the plugin.") from error
    if not isinstance(made, Frame) or made.size != frame.size:
        got = f"one of {made.size}" if isinstance(made, Frame) else repr(made)
        raise PluginError(f"{where} must give a Frame of {frame.size} pixels, got {got}; mend the plugin.")
    return made


def _views(chunk: Chunk, layer: Layer) -> Iterator[Frame]:
    """What the camera shows of a picture, frame by frame, for as long as the picture is seen."""
    picture = load_picture(layer.picture.path, chunk.width_px, chunk.height_px)
    cameras = _cameras(chunk, layer.shot, range(chunk.frames))
    across = _cameras(chunk, layer.shot, _samples(layer.shot))
    if all(view == IDENTITY for view in (*across, *cameras)):
        yield from repeat(picture, chunk.frames)
        return
    plate = _plate(picture, across, cameras)
    last, frame = None, picture
    for view in cameras:
        if view != last:
            frame, last = plate.through(view), view
        yield frame


def _cameras(chunk: Chunk, shot: Shot, numbers: Iterable[int]) -> list[Affine]:
    """The views at these frames; past its end a picture is not seen, and its last view stays."""
    views: list[Any] = [chunk.motion.camera(shot, min(number, shot.end - 1)) for number in numbers]
    for view in views:
        if not isinstance(view, Affine):
            where = f"motion ({chunk.motion.name})"
            raise PluginError(f"{where}: camera() must give an Affine, got {view!r}; mend the plugin.")
    return views


def _samples(shot: Shot) -> list[int]:
    """A few frames all over a shot, the same for each of its chunks."""
    last = shot.end - 1 - shot.start
    return [shot.start + last * step // _SAMPLES for step in range(_SAMPLES + 1)]


def _plate(picture: Frame, across: Sequence[Affine], cameras: Sequence[Affine]) -> Plate | ZoomPlate:
    """The quick plate where the camera heads straight for one point all through the shot."""
    from qmv.media.plate import Plate, ZoomPlate, zoom_centre

    centre = zoom_centre(across, *picture.size)
    if centre is None or centre != zoom_centre([*across, *cameras], *picture.size):
        return Plate.of(picture)
    return ZoomPlate.of(picture, centre)


def load_picture(path: Path, width_px: int, height_px: int) -> Frame:
    """A picture file as planes of the video's size; from the planes that lie beside it where they have its shape."""
    from qmv.media.frame import Frame
    from qmv.media.picture import crop_to, read

    planes = planes_beside(path)
    with suppress(OSError, ValueError):
        return Frame.load(planes, width_px, height_px)
    with suppress(OSError, ValueError):
        whole = Frame.load(planes, *_size_px(path))
        if whole.size[0] > width_px and _alike(whole.size, (width_px, height_px)):
            return whole.shrunk(width_px, height_px)
    return Frame.from_rgb(crop_to(read(path, str(path)), width_px, height_px))


def _size_px(picture: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(picture) as opened:
        return opened.width, opened.height


def _alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have the same shape, but for even lengths."""
    return abs(one[0] * other[1] - one[1] * other[0]) <= 2 * max(one)


def planes_beside(picture: Path) -> Path:
    """Where a picture's planes are kept, so that it is converted once and not in every chunk."""
    return picture.with_suffix(".yuv")
