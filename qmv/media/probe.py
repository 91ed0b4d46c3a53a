"""Reads what a finished file says and holds, without decoding its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qmv.errors import InputError

__all__ = ["Probe", "probe"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Times are seconds; `frames` counts the pictures in the file, not what its header claims."""

    width_px: int
    height_px: int
    fps: Fraction
    frames: int
    exact: bool  # every frame lies exactly at number / fps
    video_start_s: Fraction
    audio_start_s: Fraction | None
    audio_duration_s: Fraction | None
    codec: str
    audio_codec: str | None
    bt709: bool
    faststart: bool


def probe(path: Path) -> Probe:
    """Raises InputError for a file that is no video."""
    import av

    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise InputError(f"{path}: is no video ({error.strerror}).") from error
    with container:
        if not container.streams.video:
            raise InputError(f"{path}: is no video, it has sound only.")
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        fps = Fraction(video.average_rate or 0)
        stamps = sorted(packet.pts for packet in container.demux(video) if packet.pts is not None)
        base = Fraction(video.time_base or 1)
        context = video.codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        return Probe(
            width_px=context.width,
            height_px=context.height,
            fps=fps,
            frames=len(stamps),
            exact=all(pts * base * fps == number for number, pts in enumerate(stamps)),
            video_start_s=stamps[0] * base,
            audio_start_s=None if audio is None else Fraction(audio.start_time or 0) * Fraction(audio.time_base or 1),
            audio_duration_s=None if audio is None else Fraction(audio.duration or 0) * Fraction(audio.time_base or 1),
            codec=context.name,
            audio_codec=None if audio is None else audio.codec_context.name,
            bt709=tuple(int(tag) for tag in tags) == (1, 1, 1, 1),
            faststart=_index_first(path),
        )


def _index_first(path: Path) -> bool:
    """Whether the MP4's index (moov) stands before its data (mdat), ISO/IEC 14496-12."""
    with path.open("rb") as file:
        while len(header := file.read(8)) == 8:
            size, kind = int.from_bytes(header[:4]), header[4:]
            if kind in (b"moov", b"mdat"):
                return kind == b"moov"
            if size == 1:
                size = int.from_bytes(file.read(8)) - 8
            if size < 8:
                return False
            file.seek(size - 8, 1)
    return False
