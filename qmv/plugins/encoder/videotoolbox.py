"""Apple's encoders."""

from __future__ import annotations

from qmv.api import Coding, Encoder, Levels, plugin, setting
from qmv.plugins.encoder.nvenc import ONE_GOP, SAMPLE_ENTRIES

__all__ = ["Videotoolbox"]

_LAMBDA = 118  # FFmpeg's FF_QP2LAMBDA: what its quality scale is multiplied with


@plugin
class Videotoolbox(Encoder):
    """Apple's encoder, on Macs with Apple's own chips."""

    name = "videotoolbox"
    libraries = ("av",)
    hardware = True
    levels = Levels(draft=("fast", 28.0), standard=("good", 17.0), high=("good", 10.0))
    presets = ("fast", "good")
    crfs = (0, 50)
    codec: str = setting("what the file holds", default="h264", choices=("h264", "hevc"))

    def coding(self) -> Coding:
        # its own scale goes from 1 to 100 and higher is better
        quality = round((100 - 2 * self.constant_quality) * _LAMBDA)
        return Coding(
            codec=f"{self.codec}_videotoolbox",
            options=(
                ("flags", "+qscale"), ("global_quality", str(max(_LAMBDA, quality))), ("g", ONE_GOP),
                ("prio_speed", str(int(self.speed == "fast"))),
            ),
            sample_entry=SAMPLE_ENTRIES.get(self.codec, ""),
        )  # fmt: skip
