"""Joins encoded chunks and the sound into the finished MP4 by stream copy, with exact time stamps."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from qmv.artifacts import Pictures, Song
from qmv.media.provenance import add_xmp, ai_systems, comment, source_type, xmp

__all__ = ["describe", "join", "tags"]

_UNDECODED = {"codec_whitelist": "none"}  # else opening a file decodes its first frames, which takes 20 times as long


def join(
    path: Path, chunks: Sequence[tuple[int, Path]], sound: Path | None, fps: Fraction, tags: Mapping[str, str]
) -> None:
    """Writes the chunks, given as (first frame, file) in order, and the sound to `path`, its index at the front.

    Time stamps are counted, not copied: a packet's pts is its chunk's first frame plus its place in showing order,
    its dts the running number minus the reorder delay, since the chunks' own dts would collide after short chunks.
    """
    import av

    orders = [_showing_order(file) for _, file in chunks]
    # edit lists are counted in this scale, and its default of milliseconds would cut the sound short
    scale = fps.numerator if sound is None else _rate_hz(sound)
    options = {"movflags": "+faststart", "movie_timescale": str(scale)}
    with av.open(str(path), "w", format="mp4", options=options) as out:
        out.metadata.update(tags)
        with av.open(str(chunks[0][1])) as first:
            like = first.streams.video[0]
            video = out.add_stream_from_template(like, opaque=True)
            video.codec_context.codec_tag = like.codec_context.codec_tag  # hvc1 stays hvc1
        video.time_base = 1 / fps
        pictures = _video_packets(video, chunks, orders, fps)
        if sound is None:
            for packet in pictures:
                out.mux(packet)
            return
        with av.open(str(sound)) as source:
            audio = out.add_stream_from_template(source.streams.audio[0], opaque=False)
            for packet in _in_step(pictures, _audio_packets(audio, source)):
                out.mux(packet)


def _rate_hz(sound: Path) -> int:
    import av

    with av.open(str(sound), options=_UNDECODED) as container:
        return container.streams.audio[0].codec_context.sample_rate


def _showing_order(file: Path) -> list[int]:
    """For each packet, in decode order, its place among the frames as they are shown."""
    import av

    with av.open(str(file), options=_UNDECODED) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    places = {pts: place for place, pts in enumerate(sorted(stamps))}
    return [places[pts] for pts in stamps]


def _video_packets(
    video: Any, chunks: Sequence[tuple[int, Path]], orders: Sequence[list[int]], fps: Fraction
) -> Iterator[Any]:
    import av

    delay = max(number - place for order in orders for number, place in enumerate(order))
    number = -delay
    for (first_frame, file), order in zip(chunks, orders, strict=True):
        with av.open(str(file), options=_UNDECODED) as container:
            packets = (packet for packet in container.demux(video=0) if packet.pts is not None)
            for packet, place in zip(packets, order, strict=True):
                packet.stream, packet.time_base = video, 1 / fps
                packet.pts, packet.dts, packet.duration = first_frame + place, number, 1
                number += 1
                yield packet


def _audio_packets(audio: Any, source: Any) -> Iterator[Any]:
    for packet in source.demux(audio=0):
        if packet.pts is not None:
            packet.stream = audio
            yield packet


def _in_step(pictures: Iterator[Any], sound: Iterator[Any]) -> Iterator[Any]:
    """Sound and picture by decode time, so that the muxer's queue stays short however long the song is."""
    return heapq.merge(pictures, sound, key=lambda packet: packet.dts * packet.time_base)


def tags(song: Song, pictures: Pictures) -> dict[str, str]:
    """What the finished file says of itself in players."""
    told = {"title": song.title, "artist": song.artist, "comment": comment(pictures.pictures)}
    return {name: text for name, text in told.items() if text}


def describe(path: Path, song: Song, pictures: Pictures) -> None:
    """Adds what machines read of a finished file: whose it is, and where its pictures came from."""
    packet = xmp(
        source_type=source_type(pictures.pictures),
        title=song.title,
        creator=song.artist,
        ai_systems=ai_systems(pictures.pictures),
    )
    add_xmp(path, packet)
