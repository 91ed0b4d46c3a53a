"""Renders one chunk: pictures through cameras, transitions and effects into encoded frames; a function of values.

Runs in worker processes. Each picture is read once a chunk; a held still is one frame object from start to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.artifacts import Shot
from qmv.media.camera import IDENTITY
from qmv.media.encode import X264, encode_chunk
from qmv.media.moments import Moment
from qmv.media.timeline import Overlap

if TYPE_CHECKING:
    from qmv.api import Effect, Motion, Transition
    from qmv.media.frame import Frame

__all__ = ["Chunk", "Layer", "chunk_frames", "load_picture", "write_chunk"]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A picture and the shot that it fills; the shot's frames count from the chunk's first one and include the
    transitions at both ends."""

    picture: Path
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


def write_chunk(path: Path, chunk: Chunk, fps: Fraction, x264: X264) -> int:
    """Renders and encodes; tells how many frames."""
    import cv2

    cv2.setNumThreads(1)  # chunks are the parallel unit
    return encode_chunk(path, chunk_frames(chunk), fps, x264)


def chunk_frames(chunk: Chunk) -> Iterator[Frame]:
    """The frames of a chunk in order."""
    pictures = [load_picture(layer.picture, chunk.width_px, chunk.height_px) for layer in chunk.layers]
    for number in range(chunk.frames):
        views = [_view(chunk.motion, layer.shot, picture, number) for layer, picture in zip(chunk.layers, pictures)]
        position = chunk.overlap.position(number)
        frame = views[-1] if position is None else chunk.transition.blend(views[0], views[-1], position)
        for effect in chunk.effects:
            frame = effect.apply(frame, chunk.moments[number])
        yield frame


def load_picture(path: Path, width_px: int, height_px: int) -> Frame:
    """A picture file as planes of the video's size."""
    from qmv.media.frame import Frame
    from qmv.media.picture import crop_to, read

    return Frame.from_rgb(crop_to(read(path, str(path)), width_px, height_px))


def _view(motion: Motion, shot: Shot, picture: Frame, number: int) -> Frame:
    view = motion.camera(shot, min(number, shot.end - 1))
    return picture if view == IDENTITY else picture.warp(view)
