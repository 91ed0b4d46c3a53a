"""H.265 by x265."""

from __future__ import annotations

from qmv.plugins.encoder.x265 import X265
from qmv.testing import EncoderContract


class TestX265(EncoderContract):
    plugin = X265()


class TestX265Draft(EncoderContract):
    plugin = X265(level="draft")
