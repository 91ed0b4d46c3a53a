"""H.265 by x265."""

from __future__ import annotations

from qmv.api import Coding, Encoder, Levels, plugin
from qmv.plugins.encoder.x264 import PRESETS

__all__ = ["X265"]

_PARAMS = "pools=none:frame-threads=1:keyint=-1:scenecut=0:open-gop=0:info=0:log-level=error"


@plugin
class X265(Encoder):
    """H.265 (HEVC): smaller files, much more CPU; not every browser plays it."""

    name = "x265"
    libraries = ("av",)
    levels = Levels(draft=("ultrafast", 24.0), standard=("fast", 23.0), high=("slow", 17.0))
    presets = PRESETS
    narrowest_px = 66  # version 4.2 writes beyond its memory where a picture is narrower

    def coding(self) -> Coding:
        return Coding(
            codec="libx265",
            options=(("preset", self.speed), ("crf", f"{self.constant_quality:g}"), ("x265-params", _PARAMS)),
            sample_entry="hvc1",  # Apple's players want the parameter sets in the header
        )
