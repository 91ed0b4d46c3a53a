"""Encoders behind VAAPI, Linux's interface to the video parts of Intel's and AMD's chips."""

from __future__ import annotations

from qmv.api import Coding, Encoder, Levels, plugin, setting
from qmv.media.coding import AS_BT709
from qmv.plugins.encoder.nvenc import CODECS, ONE_GOP, SAMPLE_ENTRIES

__all__ = ["Vaapi"]


@plugin
class Vaapi(Encoder):
    """Intel's and AMD's encoders on Linux, by the program ffmpeg (extra `qmv[ffmpeg]`)."""

    name = "vaapi"
    libraries = ("imageio-ffmpeg",)
    hardware = True
    levels = Levels(draft=("7", 30.0), standard=("4", 21.0), high=("1", 16.0))
    presets = ("7", "6", "5", "4", "3", "2", "1")
    crfs = (1, 51)
    codec: str = setting("what the file holds", default="h264", choices=CODECS)
    device: str = setting("the device's file", default="/dev/dri/renderD128")

    def coding(self) -> Coding:
        return Coding(
            codec=f"{self.codec}_vaapi",
            options=(
                ("compression_level", self.speed), ("rc_mode", "CQP"), ("qp", f"{self.constant_quality:.0f}"),
                ("g", ONE_GOP),
            ),
            sample_entry=SAMPLE_ENTRIES.get(self.codec, ""),
            program_options=("-vaapi_device", self.device),
            filters=f"{AS_BT709},format=nv12,hwupload",
        )  # fmt: skip
