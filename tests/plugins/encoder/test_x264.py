"""H.264 by x264."""

from __future__ import annotations

from qmv.plugins.encoder.x264 import X264
from qmv.testing import EncoderContract


class TestX264(EncoderContract):
    plugin = X264()


class TestX264Draft(EncoderContract):
    plugin = X264(level="draft")


class TestX264AtItsBest(EncoderContract):
    plugin = X264(preset="veryslow", crf=1.0)
    size_px = (38, 22)


def test_x264_keeps_to_what_players_of_level_4_decode() -> None:
    told = {preset: dict(X264(preset=preset).coding().options)["x264-params"] for preset in X264.presets}
    assert {preset for preset, params in told.items() if ":ref=4" in params} == {"slow", "slower", "veryslow"}
