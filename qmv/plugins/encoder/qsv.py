"""Intel's encoders."""

from __future__ import annotations

from qmv.api import Coding, Encoder, Levels, plugin, setting
from qmv.plugins.encoder.nvenc import CODECS, ONE_GOP, SAMPLE_ENTRIES

__all__ = ["Qsv"]


@plugin
class Qsv(Encoder):
    """Intel's Quick Sync Video, on processors and cards that have it."""

    name = "qsv"
    libraries = ("av",)
    hardware = True
    levels = Levels(draft=("veryfast", 30.0), standard=("medium", 21.0), high=("veryslow", 16.0))
    presets = ("veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
    crfs = (1, 51)
    codec: str = setting("what the file holds", default="h264", choices=CODECS)

    def coding(self) -> Coding:
        return Coding(
            codec=f"{self.codec}_qsv",
            options=(("preset", self.speed), ("global_quality", f"{self.constant_quality:.0f}"), ("g", ONE_GOP)),
            pixel_format="nv12",
            sample_entry=SAMPLE_ENTRIES.get(self.codec, ""),
        )
