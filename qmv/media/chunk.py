"""Renders one chunk: pictures through cameras, transitions and effects into encoded frames; a function of values.

Runs in worker processes. A held still is one frame object from start to end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import File, Shot
from qmv.errors import PluginError, output_error
from qmv.media.asked import cameras, changed
from qmv.media.camera import IDENTITY, Affine
from qmv.media.coding import Coding, words_of
from qmv.media.encode import encode_chunk
from qmv.media.moments import Moment
from qmv.media.timeline import Overlap

if TYPE_CHECKING:
    from qmv.api import Effect, Motion, Transition
    from qmv.media.frame import Frame
    from qmv.media.plate import Plate, ZoomPlate

__all__ = ["Chunk", "Layer", "chunk_frames", "load_picture", "planes_beside", "write_chunk"]

_SAMPLES = 4096


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
    """Renders and encodes; tells how many frames. Raises PluginError that names the codec where it fails."""
    import av
    import cv2

    cv2.setNumThreads(1)  # chunks are the parallel unit
    try:
        return encode_chunk(path, chunk_frames(chunk), fps, coding)
    except (av.FFmpegError, ValueError, TypeError, MemoryError) as error:
        if isinstance(error, OSError) and output_error(error):
            raise  # a full disk is no fault of the encoder's
        raise PluginError(
            f"encoder: {coding.codec} failed on a chunk of {chunk.frames} frames of {chunk.width_px} x "
            f"{chunk.height_px} px (FFmpeg: {words_of(error)}); choose another encoder."
        ) from error


def chunk_frames(chunk: Chunk) -> Iterator[Frame]:
    """The frames of a chunk in order."""
    views = [_views(chunk, layer) for layer in chunk.layers]
    for number, seen in enumerate(zip(*views)):
        position = chunk.overlap.position(number)
        frame = seen[-1]
        if position is not None:
            frame = changed(chunk.transition, chunk.transition.blend, seen[0], seen[-1], position)
        for effect in chunk.effects:
            frame = changed(effect, effect.apply, frame, chunk.moments[number])
        yield frame


def _views(chunk: Chunk, layer: Layer) -> Iterator[Frame]:
    """What the camera shows of a picture, frame by frame, for as long as the picture is seen."""
    picture = load_picture(layer.picture.path, chunk.width_px, chunk.height_px)
    path = cameras(chunk.motion, layer.shot, range(chunk.frames))
    across = cameras(chunk.motion, layer.shot, _samples(layer.shot))
    if all(view == IDENTITY for view in (*across, *path)):
        yield from repeat(picture, chunk.frames)
        return
    plate = _plate(picture, across, path)
    last, frame = None, picture
    for view in path:
        if view != last:
            frame, last = plate.through(view), view
        yield frame


def _samples(shot: Shot) -> range:
    """The frames of a shot that decide how it is seen, the same for each of its chunks: all of most shots."""
    return range(shot.start, shot.end, 1 + shot.frames // _SAMPLES)


def _plate(picture: Frame, across: Sequence[Affine], path: Sequence[Affine]) -> Plate | ZoomPlate:
    """The quick plate where the camera heads straight for one point all through the shot."""
    from qmv.media.plate import Plate, ZoomPlate, zoom_centre

    centre = zoom_centre(across, *picture.size)
    if centre is None or centre != zoom_centre([*across, *path], *picture.size):
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
