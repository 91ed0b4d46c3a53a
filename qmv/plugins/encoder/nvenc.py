"""NVIDIA's encoders."""

from __future__ import annotations

from qmv.api import Coding, Encoder, Levels, plugin, setting

__all__ = ["CODECS", "Nvenc"]

CODECS = ("h264", "hevc", "av1")
SAMPLE_ENTRIES = {"hevc": "hvc1"}
ONE_GOP = "100000"  # frames from one key frame to the next: more than a chunk has


@plugin
class Nvenc(Encoder):
    """NVIDIA's encoder, on cards that have one; quick, and larger files than x264's."""

    name = "nvenc"
    libraries = ("av",)
    hardware = True
    levels = Levels(draft=("p1", 30.0), standard=("p4", 21.0), high=("p7", 16.0))
    presets = ("p1", "p2", "p3", "p4", "p5", "p6", "p7")
    codec: str = setting("what the file holds", default="h264", choices=CODECS)

    def coding(self) -> Coding:
        return Coding(
            codec=f"{self.codec}_nvenc",
            options=(
                ("preset", self.speed), ("rc", "vbr"), ("cq", f"{self.constant_quality:g}"), ("b", "0"),
                ("g", ONE_GOP), ("no-scenecut", "1"),
            ),
            sample_entry=SAMPLE_ENTRIES.get(self.codec, ""),
        )  # fmt: skip
