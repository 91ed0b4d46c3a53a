"""H.265 by x265."""

from __future__ import annotations

from qmv.plugins.encoder.x265 import X265
from qmv.testing import EncoderContract


class TestX265(EncoderContract):
    plugin = X265()
    lengths = (3, 4, 25)  # x265 gives chunks of one and two frames decode times at random, which no MP4 takes


class TestX265Draft(EncoderContract):
    plugin = X265(level="draft")
    lengths = (3, 4, 25)  # x265 gives chunks of one and two frames decode times at random, which no MP4 takes
