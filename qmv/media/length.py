"""How long a file sounds, counted packet by packet without decoding: what its header claims may be a lie.

A packet counts at least as long as its codec makes it, so a small file cannot hold hours unseen.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.errors import InputError
from qmv.media.audio import READABLE, opened

if TYPE_CHECKING:
    import av

__all__ = ["sounding_s"]

_SHORTEST_S = 0.0025  # of a packet, as Opus has them; a file with many shorter ones only wastes time
_ODD = 4000  # packets that may be without a time


def sounding_s(path: Path, most_s: float) -> float:
    """The seconds of the first sound track, or more than `most_s` where it is longer, without reading on.

    Headers are not asked: those of some formats are guesses. Raises InputError for a file that cannot be read as sound.
    """
    with opened(path) as container:
        track = container.streams.audio[0]
        rate_hz, frame = track.codec_context.sample_rate, _frame_samples(track.codec_context)
        told_s, packets, size = 0.0, 0, 0
        for packet in _packets(container):
            packets += 1
            size += packet.size
            told_s += max(0.0, float((packet.duration or 0) * packet.time_base)) if packet.time_base else 0.0
            heard_s = max(told_s, packets * frame / rate_hz, _plain_s(track.codec_context, size))
            if heard_s > most_s:
                return heard_s
            if packets > _ODD + most_s / _SHORTEST_S:
                raise InputError(f"song ({path}): is cut into too many pieces to be a song; {READABLE}.")
    return max(told_s, packets * frame / rate_hz)


def _packets(container: av.container.InputContainer) -> Any:
    """Those that hold something; where the file is damaged its end."""
    import av

    try:
        yield from (packet for packet in container.demux(audio=0) if packet.size)
    except (av.FFmpegError, OSError, ValueError):
        return


def _frame_samples(codec: Any) -> int:
    """How many samples each packet holds, where the codec fixes it; 0 where its packets tell."""
    if codec.name == "alac" and codec.extradata and len(codec.extradata) >= 16:
        return int.from_bytes(codec.extradata[12:16], "big")
    return int(codec.frame_size or 0)


def _plain_s(codec: Any, size_bytes: int) -> float:
    """The seconds that so many bytes of plain samples last."""
    found = re.match(r"pcm_(?:[suf](\d+)|[am]u?law)", codec.name)
    if found is None:
        return 0.0
    return float(size_bytes * 8 / (int(found[1] or 8) * max(1, codec.channels)) / codec.sample_rate)
