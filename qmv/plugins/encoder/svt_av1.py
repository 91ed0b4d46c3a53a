"""AV1 by SVT-AV1."""

from __future__ import annotations

import os

from qmv.api import Coding, Encoder, Levels, plugin

__all__ = ["SvtAv1"]

_PARAMS = "lp=1:keyint=-1:scd=0"


@plugin
class SvtAv1(Encoder):
    """AV1: the smallest files; new players only."""

    name = "svt_av1"
    libraries = ("av",)
    levels = Levels(draft=("12", 45.0), standard=("9", 27.0), high=("5", 18.0))
    presets = tuple(str(number) for number in range(13, -1, -1))
    crfs = (1, 63)

    def coding(self) -> Coding:
        os.environ.setdefault("SVT_LOG", "1")  # it writes a page about itself for each chunk
        return Coding(
            codec="libsvtav1",
            options=(("preset", self.speed), ("crf", f"{self.constant_quality:g}"), ("svtav1-params", _PARAMS)),
        )
