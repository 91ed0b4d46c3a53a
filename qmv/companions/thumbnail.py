"""The picture that stands for a video where it does not play."""

from __future__ import annotations

import io
from pathlib import Path

from qmv.artifacts import Beats, Storyboard, Video

__all__ = ["moment", "thumbnail"]

_WIDEST_PX = 1280
_QUALITY = 88


def moment(video: Video, storyboard: Storyboard | None, beats: Beats | None) -> int:
    """The frame to show: the middle of the longest shot in the loudest section, else of the whole video."""
    shots = list(storyboard.shots) if storyboard is not None else []
    if not shots:
        return video.frames // 2
    loud = max(beats.sections, key=lambda section: section.energy) if beats is not None and beats.sections else None
    inside = [
        shot
        for shot in shots
        if loud is not None and loud.start_s <= float(shot.start / video.fps) < loud.end_s
    ]  # fmt: skip
    best = max(inside or shots, key=lambda shot: shot.frames)
    return min(best.start + best.frames // 2, video.frames - 1)


def thumbnail(video: Path, frame: int) -> bytes:
    """The frame of that number as a JPEG, at most 1280 pixels wide."""
    import av

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        if stream.average_rate is None or stream.time_base is None:
            raise ValueError(f"{video} has no frame rate")
        wanted = round(frame / stream.average_rate / stream.time_base)
        container.seek(wanted, stream=stream)
        shown = None
        for shown in container.decode(stream):
            if shown.pts is not None and shown.pts >= wanted:
                break
        if shown is None:
            raise ValueError(f"{video} has no frame {frame}")
        picture = shown.to_image()  # type: ignore[no-untyped-call]
    if picture.width > _WIDEST_PX:
        picture = picture.resize((_WIDEST_PX, round(picture.height * _WIDEST_PX / picture.width)))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
