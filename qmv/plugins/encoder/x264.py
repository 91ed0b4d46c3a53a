"""H.264 by x264."""

from __future__ import annotations

from qmv.api import Coding, Encoder, Levels, plugin

__all__ = ["PRESETS", "X264"]

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_MANY_REFERENCES = ("slow", "slower", "veryslow")  # more than 4 make 1080p a film for decoders of level 5
_CPU_AVX_512F = 13  # OpenCV's number for it, which its Python module does not name


@plugin
class X264(Encoder):
    """H.264, which plays everywhere; on the CPU."""

    name = "x264"
    libraries = ("av",)
    levels = Levels(draft=("superfast", 26.0), standard=("veryfast", 18.0), high=("slow", 14.0))
    presets = PRESETS
    crfs = (1, 51)  # below 1 it is lossless, in a profile that few players know

    def coding(self) -> Coding:
        return Coding(
            codec="libx264",
            options=(
                ("preset", self.speed),
                ("crf", f"{self.constant_quality:g}"),
                ("x264-params", x264_params() + (":ref=4" if self.speed in _MANY_REFERENCES else "")),
            ),
        )


def x264_params() -> str:
    """What makes a chunk one closed GOP with the same bytes each time.

    x264's macroblock tree reads memory that it never wrote where it runs on AVX-512 and has B-frames (core 165; seen at
    320x192 and 1080x1920: other bytes at every try), so there it is held to AVX2, which gives SSE4's bytes.
    """
    import cv2

    params = "threads=1:lookahead-threads=1:keyint=infinite:scenecut=0:open-gop=0:stitchable=1"
    return f"{params}:asm=avx2" if cv2.checkHardwareSupport(_CPU_AVX_512F) else params
